/**
 * English words that say nothing about a type: articles, pronouns, prepositions, conjunctions, auxiliaries, and what an
 * apostrophe leaves behind ("don't" is read as "don" and "t").
 */
export const stopWords: ReadonlySet<string> = new Set(
  `
  a an the this that these those such
  i me my mine myself we us our ours ourselves you your yours yourself yourselves
  he him his himself she her hers herself it its itself they them their theirs themselves
  who whom whose which what when where why how
  and or nor but if because as until while than so
  of at by for with about against between into through during before after above below
  to from up down in out on off over under upon within without
  again further then once here there
  all any both each few more most other some no not only own same too very just also
  am is are was were be been being have has had having do does did doing done
  can could will would shall should may might must
  s t d ll m re ve don didn doesn isn aren wasn weren hasn haven hadn won wouldn shouldn couldn ain
  `
    .trim()
    .split(/\s+/),
);
