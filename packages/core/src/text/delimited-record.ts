/** Splits one record of a CSV or TSV file into fields (RFC 4180), line by line: a quoted field may hold line breaks. */
export class DelimitedRecord {
  readonly #delimiter: string;
  readonly #fields: string[] = [];
  /** The field so far, in pieces; null outside a quoted field that goes on. */
  #open: string[] | null = null;

  constructor(delimiter: ',' | '\t') {
    this.#delimiter = delimiter;
  }

  /** Takes the record's next line; true where the record is whole. */
  push(line: string): boolean {
    let at = 0;
    if (this.#open) {
      this.#open.push('\n');
      at = this.#quoted(line, 0);
    }
    while (!this.#open) {
      // Behind a field: its delimiter, or the end of the line.
      if (at > line.length) return true;
      if (line[at] === '"') {
        this.#open = [];
        at = this.#quoted(line, at + 1);
      } else {
        const end = this.#end(line, at);
        this.#fields.push(line.slice(at, end));
        at = end + 1;
      }
    }
    return false;
  }

  get fields(): readonly string[] {
    return this.#fields;
  }

  /** Reads a quoted field from behind its opening quote; returns where the next field begins. */
  #quoted(line: string, from: number): number {
    const open = this.#open as string[];
    for (let at = from; ; ) {
      const quote = line.indexOf('"', at);
      if (quote === -1) {
        open.push(line.slice(at));
        return line.length;
      }
      open.push(line.slice(at, quote));
      if (line[quote + 1] === '"') {
        open.push('"');
        at = quote + 2;
        continue;
      }
      // What stands between the closing quote and the delimiter belongs to the field, as other readers have it.
      const end = this.#end(line, quote + 1);
      open.push(line.slice(quote + 1, end));
      this.#fields.push(open.join(''));
      this.#open = null;
      return end + 1;
    }
  }

  #end(line: string, from: number): number {
    const end = line.indexOf(this.#delimiter, from);
    return end === -1 ? line.length : end;
  }
}
