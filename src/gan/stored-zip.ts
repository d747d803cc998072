/** Archives of files that are stored as they are, the same bytes for the same files. */
import yazl from 'yazl';

/** All entries bear this time: an archive's bytes are a function of its content. */
const EPOCH = new Date(1980, 0, 1);

export async function storedZip(files: readonly { name: string; bytes: Uint8Array }[]): Promise<Uint8Array> {
  const zip = new yazl.ZipFile();
  for (const { name, bytes } of files) {
    zip.addBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name, {
      compress: false,
      mtime: EPOCH,
      forceDosTimestamp: true,
    });
  }
  zip.end();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}
