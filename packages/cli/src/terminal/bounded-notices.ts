/** Prints the first notices of a kind as they come and counts the rest: a million bad lines are not a million messages. */
export class BoundedNotices {
  readonly #say: (text: string) => void;
  readonly #limit: number;
  #count = 0;

  constructor(say: (text: string) => void, limit = 20) {
    this.#say = say;
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  add(text: string): void {
    this.#count += 1;
    if (this.#count <= this.#limit) this.#say(text);
  }

  /** Says how many were not printed; `what` names them: "refused lines". */
  end(what: string): void {
    const more = this.#count - this.#limit;
    if (more > 0) this.#say(`… and ${more.toLocaleString('en-US')} more ${what}`);
  }
}
