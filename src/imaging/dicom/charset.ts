/** Decodes text of DICOM elements by Specific Character Set (PS3.3 section C.12.1.1.2). */
import { TextDecoder } from 'node:util';

/** Labels of the WHATWG Encoding standard. */
const ENCODINGS: Record<string, string> = {
  'ISO_IR 6': 'latin1',
  'ISO_IR 100': 'latin1',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'windows-1254',
  'ISO_IR 203': 'iso-8859-15',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 166': 'windows-874',
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
  'ISO_IR 87': 'iso-2022-jp',
  'ISO_IR 159': 'iso-2022-jp',
  'ISO_IR 149': 'euc-kr',
  'ISO_IR 58': 'gb18030',
};

/**
 * A decoder for the values of a data set. Of several character sets, the last known one counts: it
 * is the one that extends the others.
 *
 * @param names values of Specific Character Set.
 */
export function textDecoder(names: readonly string[]): TextDecoder {
  const known = names.map((name) => ENCODINGS[name.trim().replace('ISO 2022 IR', 'ISO_IR')]);
  return new TextDecoder(known.filter((label) => label !== undefined).at(-1) ?? 'latin1');
}
