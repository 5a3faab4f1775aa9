/** Compressed data that breaks off or makes no sense. Readers say at which line. */
export class DamagedInput extends Error {
  override readonly name = 'DamagedInput';
  readonly compression: string;

  constructor(compression: string, cause: Error) {
    super(cause.message, { cause });
    this.compression = compression;
  }
}
