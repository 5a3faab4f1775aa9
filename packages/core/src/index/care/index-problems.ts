/** Something that is not as it should be, and where. */
export interface IndexProblem {
  readonly file: string;
  readonly reason: string;
}

/** Keeps the first problems and counts all: a file that is damaged throughout has millions. */
export class IndexProblems {
  readonly first: IndexProblem[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(file: string, reason: string): void {
    // Several readings may come upon the same one.
    if (this.first.some((known) => known.file === file && known.reason === reason)) return;
    this.#count += 1;
    if (this.first.length < kept) this.first.push({ file, reason });
  }
}

const kept = 100;
