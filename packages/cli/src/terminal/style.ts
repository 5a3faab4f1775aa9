/** Wraps text in a terminal's colours, or leaves it as it is. */
export interface Style {
  readonly colours: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

/** Colours on a terminal only; never with NO_COLOR (no-color.org) or on a terminal that has none. */
export function styleFor(isTerminal: boolean, environment: NodeJS.ProcessEnv): Style {
  const colours = isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb';
  const wrap = (open: number, close: number) => (text: string) =>
    colours ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { colours, bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), yellow: wrap(33, 39), green: wrap(32, 39) };
}
