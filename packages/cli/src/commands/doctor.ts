import type { Command } from '../command.js';
import type { Finding } from '../doctor/finding.js';
import { findings } from '../doctor/findings.js';
import { sanitise } from '../terminal/sanitise.js';
import { type Style, styleFor } from '../terminal/style.js';

export const doctor: Command = {
  usage: [''],
  about: 'Says what works on this machine, and why not. The exit code is 1 where something that is needed is broken.',
  flags: [],
  examples: ['doctor'],

  async run(words, { output, environment }) {
    if (words.operands.length > 0) words.refuse('nothing', JSON.stringify(words.operands[0]));
    const style = styleFor(output.isTerminal, environment);
    let broken = 0;
    for await (const finding of findings()) {
      if (finding.state === 'broken') broken += 1;
      await output.line(formatFinding(finding, style));
    }
    return broken > 0 ? 1 : 0;
  },
};

function formatFinding({ subject, state, says, remedy }: Finding, style: Style): string {
  const colour = { ok: style.green, absent: style.yellow, broken: style.red }[state];
  const lines = [...says.split('\n').map(sanitise), ...(remedy === undefined ? [] : [style.dim(remedy)])];
  return `${colour(state.padEnd(6))}  ${subject.padEnd(13)}  ${lines.join(`\n${' '.repeat(23)}`)}`;
}
