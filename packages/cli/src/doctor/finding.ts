/** What one look at the machine found. */
export interface Finding {
  readonly subject: string;
  /** ok: works. absent: not there, and not needed. broken: needed, and does not work. */
  readonly state: 'ok' | 'absent' | 'broken';
  readonly says: string;
  /** What to do, where something is to be done. */
  readonly remedy?: string;
}
