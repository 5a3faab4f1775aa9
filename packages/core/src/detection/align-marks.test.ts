import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../evaluation/random-numbers.js';
import { alignMarks } from './align-marks.js';

/** The mentions as strings with their starts, the failures as "reason: marked". */
function align(text: string, generation: string) {
  const { spans, failures, copied } = alignMarks(text, generation);
  return {
    mentions: spans.map(({ start, end }) => `${start}:${text.slice(start, end)}`),
    failures: failures.map(({ reason, marked }) => `${reason}: ${marked}`),
    copied,
  };
}

const good = (...mentions: string[]) => ({ mentions, failures: [], copied: true });

describe('a faithful copy', () => {
  test('each mark has its place', () => {
    expect(align('Xu Xing described Microraptor.', '##Xu Xing## described ##Microraptor##.')).toEqual(
      good('0:Xu Xing', '18:Microraptor'),
    );
    expect(align('Nothing to see.', 'Nothing to see.')).toEqual(good());
    expect(align('', '')).toEqual(good());
    expect(align('Paris', '##Paris##')).toEqual(good('0:Paris'));
  });

  test('offsets are UTF-16 units of the text', () => {
    expect(align('😀 in 東京 😀', '😀 in ##東京## 😀')).toEqual(good('6:東京'));
    expect(align('😀😀 a', '##😀##😀 a')).toEqual(good('0:😀', '2:😀'));
  });

  test('a marked string counts wherever the text holds it again', () => {
    expect(align('Paris, Texas, is not Paris.', '##Paris##, Texas, is not Paris.')).toEqual(
      good('0:Paris', '21:Paris'),
    );
    expect(align('Rome and Rome', '##Rome## and ##Rome##')).toEqual(good('0:Rome', '9:Rome'));
  });

  test('… but only as a word of its own', () => {
    expect(align('Ann met Annabel and Joann.', '##Ann## met Annabel and Joann.')).toEqual(good('0:Ann'));
    expect(align("Ann's Ann-Marie, Ann!", "##Ann##'s Ann-Marie, Ann!")).toEqual(good('0:Ann', '6:Ann', '17:Ann'));
    // Scripts without spaces have no such borders.
    expect(align('東京と東京都', '##東京##と東京都')).toEqual(good('0:東京', '3:東京'));
    // An accent that stands alone belongs to its letter.
    expect(align('Cafe Cafe\u0301', '##Cafe## Cafe\u0301')).toEqual(good('0:Cafe'));
  });

  test('of nested marks the longest stays', () => {
    const text = 'The Bank of America Tower';
    expect(align(text, 'The ##Bank of ##America## Tower##')).toEqual(good('4:Bank of America Tower'));
    expect(align(text, 'The ####Bank of America## Tower##')).toEqual(good('4:Bank of America Tower'));
    expect(align(text, 'The ##Bank of ##America## ##Tower####')).toEqual(good('4:Bank of America Tower'));
    expect(align(text, 'The ##Bank of ##America####  Tower')).toEqual(good('4:Bank of America'));
    expect(align(text, '##The ##Bank of ##America## Tower####')).toEqual(good('0:The Bank of America Tower'));
    // The inner mention, where it stands alone, is one too.
    expect(align('America: Bank of America', 'America: ##Bank of ##America####')).toEqual(
      good('0:America', '9:Bank of America'),
    );
  });

  test('of a string marked here and part of a longer one there, both stay where they are longest', () => {
    expect(align('York is not New York', '##York## is not ##New York##')).toEqual(good('0:York', '12:New York'));
    expect(align('York is not New York', '##York## is not New York')).toEqual(good('0:York', '16:York'));
  });

  test('mentions that overlap without nesting both stay', () => {
    // Only by "New York" occurring again, across the border of another mark.
    expect(align('New York; New York Times', '##New York##; New ##York Times##')).toEqual(
      good('0:New York', '10:New York', '14:York Times'),
    );
  });

  test('doubled marks are one mention', () => {
    expect(align('in Paris now', 'in ####Paris#### now')).toEqual(good('3:Paris'));
  });

  test('mentions that touch', () => {
    expect(align('BayernMünchen', '##Bayern####München##')).toEqual(good('0:Bayern', '6:München'));
    expect(align('北京上海', '##北京####上海##')).toEqual(good('0:北京', '2:上海'));
    expect(align('Rome/Oslo', '##Rome##/##Oslo##')).toEqual(good('0:Rome', '5:Oslo'));
    expect(align('Rome Oslo', '##Rome## ##Oslo##')).toEqual(good('0:Rome', '5:Oslo'));
  });

  test('marks inside words', () => {
    expect(align('Japanese food', '##Japan##ese food')).toEqual(good('0:Japan'));
    expect(align('anti-American, unAmerican', 'anti-##American##, un##American##')).toEqual(
      good('5:American', '17:American'),
    );
    expect(align('the preNapoleonic time', 'the pre##Napoleon##ic time')).toEqual(good('7:Napoleon'));
    expect(align('Leningrad', '##Lenin##grad')).toEqual(good('0:Lenin'));
    expect(align('Leningrad', 'Lenin##grad##')).toEqual(good('5:grad'));
    // Marked within a word, it counts within words, at the end where it was.
    expect(align('Japanese, Japan, xJapan', '##Japan##ese, Japan, xJapan')).toEqual(good('0:Japan', '10:Japan'));
  });

  test('marks beside punctuation', () => {
    expect(align('"Paris" (U.S.), Yahoo! and (the) C.', '"##Paris##" (##U.S.##), ##Yahoo!## and (the) ##C.##')).toEqual(
      good('1:Paris', '9:U.S.', '16:Yahoo!', '33:C.'),
    );
    expect(align('He read "Dune".', 'He read ##"Dune"##.')).toEqual(good('8:"Dune"'));
    expect(align('U.S.-based Intel', '##U.S.##-based ##Intel##')).toEqual(good('0:U.S.', '11:Intel'));
    expect(align("Obama's car", "##Obama##'s car")).toEqual(good('0:Obama'));
  });

  test('white space within marks is no part of a mention', () => {
    expect(align('in Paris and Rome.', 'in ## Paris ## and ## Rome ##.')).toEqual(good('3:Paris', '13:Rome'));
  });
});

describe('a text that holds hashes itself', () => {
  test('its own hashes are no marks', () => {
    expect(align('a ##b## c', 'a ##b## c')).toEqual(good());
    expect(align('## Paris', '## ##Paris##')).toEqual(good('3:Paris'));
    expect(align('##Paris', '####Paris##')).toEqual(good('2:Paris'));
    expect(align('a ##Rome## c', 'a ####Rome#### c')).toEqual(good('4:Rome'));
    expect(align('Oslo ## Rome', '##Oslo## ## ##Rome##')).toEqual(good('0:Oslo', '8:Rome'));
    expect(align('### Oslo', '### ##Oslo##')).toEqual(good('4:Oslo'));
    expect(align('see ##12 of Oslo', 'see ##12 of ##Oslo##')).toEqual(good('12:Oslo'));
  });

  test('a lone hash is part of the word that it is written to', () => {
    expect(align('C# is not C', '##C### is not ##C##')).toEqual(good('0:C#', '10:C'));
    expect(align('#1 hit #MeToo', '#1 hit ###MeToo##')).toEqual(good('7:#MeToo'));
    expect(align('# Oslo', '# ##Oslo##')).toEqual(good('2:Oslo'));
    expect(align('C# in Oslo', 'C# in ##Oslo##')).toEqual(good('6:Oslo'));
  });

  test('where the copy lacks them, every mark still counts', () => {
    expect(align('## Paris', '##Paris##')).toEqual(good('3:Paris'));
    expect(align('# Paris #', '##Paris##')).toEqual(good('2:Paris'));
    expect(align('C# in Oslo', 'C in ##Oslo##')).toEqual(good('6:Oslo'));
  });
});

describe('a copy that differs in looks', () => {
  test('white space, case, quotes, dashes, composition', () => {
    expect(align('in  New\n York ', 'in ##New York##')).toEqual(good('4:New\n York'));
    expect(align('PARIS is nice', '##Paris## is nice')).toEqual(good('0:PARIS'));
    expect(align('“O’Brien” – he', '"##O\'Brien##" - he')).toEqual(good('1:O’Brien'));
    expect(align('Cafe\u0301 Paris', '##Café## Paris')).toEqual(good('0:Cafe\u0301'));
    expect(align('Café Paris', '##Cafe\u0301## Paris')).toEqual(good('0:Café'));
    expect(align('wait… Oslo', 'wait... ##Oslo##')).toEqual(good('6:Oslo'));
    expect(align('a\u200b Os\u00adlo\u00a0x', 'a ##Oslo## x')).toEqual(good('3:Os\u00adlo'));
  });

  test('what is said round the copy does not count', () => {
    expect(align('Ann left.', 'Here are the ##marks##:\n\n##Ann## left.')).toEqual(good('0:Ann'));
    expect(align('Ann left.', '```\n##Ann## left.\n```')).toEqual(good('0:Ann'));
    expect(align('Ann left.', '"##Ann## left."')).toEqual(good('0:Ann'));
    expect(align('Ann left.', '##Ann## left.\n\n##Note##: one mention.')).toEqual(good('0:Ann'));
    expect(align('Ann left.', 'Text: Ann left.\nAnswer: ##Ann## left.')).toEqual(good('0:Ann'));
    expect(align('Ann left.', '<think>"Ann left." has one.</think>\n##Ann## left.')).toEqual(good('0:Ann'));
  });
});

describe('malformed generations are reported', () => {
  test('unclosed marks; good ones count', () => {
    expect(align('Paris is near Lyon today', '##Paris is near ##Lyon## today')).toEqual({
      mentions: ['14:Lyon'],
      failures: ['unpaired: ##Paris'],
      copied: true,
    });
    expect(align('Paris is near Lyon', '##Paris is near Lyon')).toEqual({
      mentions: [],
      failures: ['unpaired: ##Paris'],
      copied: true,
    });
    expect(align('Paris is near Lyon now', 'Paris## is near ##Lyon## now')).toEqual({
      mentions: ['14:Lyon'],
      failures: ['unpaired: Paris## is'],
      copied: true,
    });
    expect(align('Paris is near Lyon today', '##Paris is near ##Lyon today').failures).toHaveLength(2);
  });

  test('empty marks', () => {
    expect(align('so Paris it is', 'so ## ## ##Paris## it is')).toEqual({
      mentions: ['3:Paris'],
      failures: ['empty: '],
      copied: true,
    });
  });

  test('a rewritten text: marked strings are looked for', () => {
    expect(align('Paris is nice.', '##Paris## is very nice.')).toEqual({
      mentions: ['0:Paris'],
      failures: [],
      copied: false,
    });
    expect(align('Paris and Rome, Rome.', '##Rome##, ##Oslo##')).toEqual({
      mentions: ['10:Rome', '16:Rome'],
      failures: ['not-in-text: Oslo'],
      copied: false,
    });
    expect(align('Paris is nice.', 'I cannot help with that.')).toEqual({ mentions: [], failures: [], copied: false });
    expect(align('Paris is nice.', '')).toEqual({ mentions: [], failures: [], copied: false });
  });

  test('a generation that breaks off', () => {
    expect(align('Ann saw Rome and Oslo', '##Ann## saw ##Ro')).toEqual({
      mentions: ['0:Ann'],
      failures: ['unpaired: saw ##Ro'],
      copied: false,
    });
  });

  test('another spelling counts where there is no doubt of it', () => {
    expect(align('in NEW  YORK, NEW  YORK', '##New York##')).toMatchObject({
      mentions: ['3:NEW  YORK', '14:NEW  YORK'],
    });
    expect(align('Apple or apple', '##APPLE##')).toEqual({
      mentions: [],
      failures: ['ambiguous: APPLE'],
      copied: false,
    });
    expect(align('Apple or apple', '##apple##')).toMatchObject({ mentions: ['9:apple'], failures: [] });
    expect(align('the therapist', '##the rapist##')).toMatchObject({
      mentions: [],
      failures: ['not-in-text: the rapist'],
    });
    expect(align('Annabel', '##Ann##')).toMatchObject({ mentions: [], failures: ['not-in-text: Ann'] });
  });

  test('nothing but marks', () => {
    expect(align('Paris', '##########')).toMatchObject({ mentions: [], copied: false });
    expect(align('Paris', '#'.repeat(100_001)).mentions).toEqual([]);
  });
});

test('marks put into random texts come back, whatever the texts hold', () => {
  const random = randomNumbers(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const words = [
    'Oslo',
    'a',
    'naïve',
    '東京',
    '😀x',
    'U.S.',
    "O'Brien",
    'C#',
    '##',
    'x#y',
    '–',
    '(so)',
    '#tag',
    'über',
    'é',
  ];
  for (let round = 0; round < 2000; round++) {
    const parts = Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(words));
    const marked = parts.map((word) => random() < 0.4 && /^[\p{L}']+$/u.test(word));
    const text = parts.join(' ');
    const generation = parts.map((word, place) => (marked[place] ? `##${word}##` : word)).join(' ');
    const expected = new Set(parts.filter((_, place) => marked[place]));
    const { mentions, failures, copied } = align(text, generation);
    expect({ failures, copied }, generation).toEqual({ failures: [], copied: true });
    let at = 0;
    for (const word of parts) {
      const found = mentions.includes(`${at}:${word}`);
      if (expected.has(word)) expect(found, generation).toBe(true);
      at += word.length + 1;
    }
    for (const mention of mentions) expect(expected, generation).toContain(mention.replace(/^\d+:/, ''));
  }
});

test('whatever a generation is, spans lie in the text, in order, none within another', () => {
  const random = randomNumbers(11);
  const pieces = [
    '##',
    '#',
    '###',
    ' ',
    'Oslo',
    'oslo',
    'é',
    'e\u0301',
    '😀',
    '\ud83d',
    '\n',
    '“',
    '"',
    'ﬁ',
    'fi',
    '東',
    '.',
    '…',
    'İ',
    '\u200d',
  ];
  const some = () =>
    Array.from({ length: Math.floor(random() * 14) }, () => pieces[Math.floor(random() * pieces.length)]).join('');
  for (let round = 0; round < 5000; round++) {
    const text = some();
    const generation =
      random() < 0.5 ? some() : text.replace(/\S+/gu, (word) => (random() < 0.5 ? `##${word}##` : word));
    const { spans } = alignMarks(text, generation);
    let reached = 0;
    let before = -1;
    for (const { start, end } of spans) {
      const shown = JSON.stringify({ text, generation, spans });
      expect(start > before && end > reached && end > start && end <= text.length, shown).toBe(true);
      expect(text.slice(start, end).trim(), shown).not.toBe('');
      before = start;
      reached = end;
    }
  }
});

test('the work grows with the length, not its square', () => {
  const text = 'Ann met Bob in Oslo. '.repeat(5000);
  const { mentions, failures, copied } = align(text, text.replaceAll('Ann', '##Ann##'));
  expect([mentions.length, failures, copied]).toEqual([5000, [], true]);
});
