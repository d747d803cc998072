/** The last lines of a process's log, up to a number of bytes. */
export class LogTail {
  private readonly lines: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly limit: number) {}

  push(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    this.lines.push(bytes);
    this.bytes += bytes.byteLength;
    while (this.bytes > this.limit && this.lines.length > 1)
      this.bytes -= (this.lines.shift() as Buffer).byteLength;
  }

  content(): Buffer {
    return Buffer.concat(this.lines);
  }
}
