/** The settings of one image of a source, of whose files all frames may be used. */
import type { DicomSpec, PreprocessSpec } from '../../spec/preprocess.js';
import type { FrameChoice } from '../dicom/frames.js';
import type { SourceImage } from '../source/image-source.js';

/** The frame of a file that an image is, as the decoder is told. */
export function frameOf(choice: DicomSpec['frames'], frame: number | undefined): FrameChoice {
  if (frame !== undefined) return { ofAll: frame };
  return choice === 'all' ? 'first' : choice;
}

/** The settings of the pixels of one image of a source. */
export function settingsOf<Spec extends Pick<PreprocessSpec, 'dicom'>>(
  spec: Spec,
  { frame }: Pick<SourceImage, 'frame'>,
) {
  return { ...spec, dicom: { ...spec.dicom, frames: frameOf(spec.dicom.frames, frame) } };
}
