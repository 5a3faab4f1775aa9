/** What stands beside a mark; the ends of a text count as space. */
export type Side = 'space' | 'word' | 'symbol';

/** A mark that opens or closes a mention: which of the two, only its surroundings tell. */
export interface Mark {
  readonly before: Side;
  readonly after: Side;
}

export interface PairedMarks {
  /** Places of an opening and a closing mark each, in the order of the closing ones. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Places of marks without a partner. */
  readonly unpaired: readonly number[];
}

type Role = 'opens' | 'closes' | 'unpaired';

/** Mentions within mentions within mentions: nobody marks deeper. */
const deepest = 3;

const unpairedCost = 10;

/**
 * Says which marks open and which close, so that all in all they stand in the most usual places: an opening mark before a word, a
 * closing one behind it. Marks may nest; one that fits nowhere stays without a partner.
 *
 * The cheapest roles are found mark by mark for every depth of nesting (Viterbi).
 */
export function pairMarks(marks: readonly Mark[]): PairedMarks {
  let costs = Array<number>(deepest + 1).fill(Number.POSITIVE_INFINITY);
  costs[0] = 0;
  const choices = marks.map((mark) => {
    const next = Array<number>(deepest + 1).fill(Number.POSITIVE_INFINITY);
    const roles = Array<Role>(deepest + 1).fill('unpaired');
    const offer = (depth: number, cost: number, role: Role) => {
      if (depth < 0 || depth > deepest || cost >= (next[depth] as number)) return;
      next[depth] = cost;
      roles[depth] = role;
    };
    for (const [depth, cost] of costs.entries()) {
      offer(depth - 1, cost + closingCost(mark), 'closes');
      offer(depth + 1, cost + openingCost(mark) + (depth > 0 ? 1 : 0), 'opens');
      // Dearer within a mention: of two marks the later opens it, for the mention that is shorter.
      offer(depth, cost + unpairedCost + (depth > 0 ? 1 : 0), 'unpaired');
    }
    costs = next;
    return roles;
  });

  let depth = 0;
  const roles = choices.reduceRight<Role[]>((later, at) => {
    const role = at[depth] as Role;
    if (role === 'opens') depth -= 1;
    if (role === 'closes') depth += 1;
    later.push(role);
    return later;
  }, []);
  return paired(roles.reverse());
}

function paired(roles: readonly Role[]): PairedMarks {
  const pairs: [number, number][] = [];
  const unpaired: number[] = [];
  const open: number[] = [];
  for (const [place, role] of roles.entries()) {
    if (role === 'opens') open.push(place);
    else if (role === 'closes') pairs.push([open.pop() as number, place]);
    else unpaired.push(place);
  }
  return { pairs, unpaired };
}

/** "Paris## is" opens nothing: dearer than two marks without partners. */
const absurd = 100;

function openingCost({ before, after }: Mark): number {
  if (after === 'space') return before === 'word' ? absurd : 2;
  if (before !== 'word') return 0;
  return after === 'word' ? 1 : 3;
}

function closingCost({ before, after }: Mark): number {
  if (before === 'space') return after === 'word' ? absurd : 2;
  if (after !== 'word') return 0;
  return before === 'word' ? 1 : 3;
}
