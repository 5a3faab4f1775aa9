/** A flag of a command, as its help shows it. */
export interface Flag {
  /** Without the dashes: "min-score". */
  readonly name: string;
  /** What stands for the value in the help ("DIR"); absent where the flag takes none. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeated?: true;
  readonly help: string;
}
