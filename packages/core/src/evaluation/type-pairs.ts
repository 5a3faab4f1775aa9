/** Places of two mentions. */
export type MentionPair = readonly [one: number, other: number];

export interface TypePairs {
  /** Of one type. */
  readonly same: readonly MentionPair[];
  /** Of types that have nothing in common. */
  readonly different: readonly MentionPair[];
}

/** Draws in vain that are made before a corpus counts as one without such pairs. */
const MOST_TRIES = 100;

/**
 * Draws pairs of mentions of one type, and as many of two types; every type is drawn equally often, whatever its mentions.
 *
 * @param types the types of each mention
 */
export function typePairs(types: readonly (readonly string[])[], count: number, random: () => number): TypePairs {
  const places = new Map<string, number[]>();
  for (const [place, own] of types.entries()) {
    for (const type of own) {
      const others = places.get(type);
      if (others === undefined) places.set(type, [place]);
      else others.push(place);
    }
  }
  const groups = [...places.values()];
  const several = groups.filter(({ length }) => length > 1);
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const pairs = (possible: boolean, pair: () => MentionPair, holds: (one: number, other: number) => boolean) => {
    const found: MentionPair[] = [];
    for (let tries = 0; possible && found.length < count && tries < count * MOST_TRIES; tries++) {
      const [one, other] = pair();
      if (holds(one, other)) found.push([one, other]);
    }
    return found;
  };
  const common = (one: number, other: number) => (types[one] ?? []).some((type) => types[other]?.includes(type));
  return {
    same: pairs(
      several.length > 0,
      () => {
        const group = draw(several);
        const one = Math.floor(random() * group.length);
        // Another one than the first: a type of two mentions must not be drawn in vain.
        const other = (one + 1 + Math.floor(random() * (group.length - 1))) % group.length;
        return [group[one] as number, group[other] as number];
      },
      () => true,
    ),
    different: pairs(
      groups.length > 1,
      () => [draw(draw(groups)), draw(draw(groups))],
      (one, other) => !common(one, other),
    ),
  };
}
