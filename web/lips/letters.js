/**
 * From English letters to the mouths that speak them: what letters stand for, between which others, and how long
 * each sound is. Free of the DOM.
 *
 * The method is that of H. S. Elovitz, R. W. Johnson, A. McHugh and J. E. Shore, "Automatic Translation of
 * English Text to Phonetics by Means of Letter-to-Sound Rules", NRL Report 7948 (1976): for each letter a list of
 * rules, of which the first that fits is taken. These go to mouths at once, so that there are fewer.
 *
 * @typedef {{viseme: string, beats: number, index: number}} Sound  how long it is against the mean, and where in
 *   the text its word begins
 */

/**
 * `before[letters]after mouths`: _ is the word's end, V vowels, C a consonant, : consonants or none, + one of e, i
 * and y, % an ending. What makes no mouth of its own, as h, has none.
 *
 * @type {Record<string, string>}
 */
const LETTERS = {
  a: `_[a]_ E; _[are]_ aa RR; _[ar]o E RR; _:[any] E nn ih; l[augh] aa FF; [augh] oh; [arr] E RR;
    [ar]V E RR; [aw] oh; [a]wa E; V:[ally]_ E nn ih; [again] E kk E nn; V:[ag]e ih CH;
    _:[able] E ih PP E nn; [able] E PP E nn; [ange] E ih nn CH; [a]C% E ih; [a]C+V E ih;
    _:[a]C+_ E ih; _:[ar]_ aa RR; V:[ar]_ RR; w[ar] oh RR; [ar] aa RR; [air] E RR; s[ai]d_ E;
    [ai] E ih; [ay] E ih; [au] oh; V:[al]_ E nn; V:[als]_ E nn SS; [alk] oh kk; [al]m aa;
    [all] oh nn; [al]C oh nn; w[a] oh; V:C[a]_ E; [a] aa`,
  b: `m[b]_; [buil] PP ih nn; [b] PP`,
  c: `[chr] kk RR; [ch]or kk; [ch] CH; _s[ci]V aa ih; [ci]a CH; [ci]o CH; [ci]en CH; [ck] kk;
    s[c]+; [c]+ SS; [c] kk`,
  d: `_[do]_ DD ou; _[doing] DD ou ih nn; _[does] DD E SS; _[don]e DD E nn;
    _[dont]_ DD oh ou nn DD; [dge] CH; [d]g; [du]a CH ou; [d] DD`,
  e: `_:[e]_ ih; th[e]_ E; [eye] aa ih; V:[ely]_ nn ih; V:[ement] PP E nn DD; V:[eful] FF ou nn;
    V:[e]_; t[e]d_ E; d[e]d_ E; V:[e]d_; s[e]s_ ih; c[e]s_ ih; g[e]s_ ih; h[e]s_ ih; x[e]s_ ih;
    z[e]s_ ih; V:[e]s_; [ev]er E FF; [er]e ih RR; [eri]V ih RR ih; [er]V E RR; [er] RR; [e]C% ih;
    [ew] ou; p[eo]p ih; [eo] ih oh; [ee] ih; [earn] RR nn; _[ear]C RR; w[ear] E RR; h[ear]t aa RR;
    [ear] ih RR; [ead]_ E DD; [ea]su E; [ea]th E; [ea]v E; gr[ea] E ih; [ea] ih; [eigh] E ih;
    th[ei]r E; [ei] ih; th[ey] E ih; [ey] ih; [eu] ou; [e] E`,
  f: `[ful]_ FF ou nn; [f] FF`,
  g: `[giv] kk ih FF; [g]et kk; [g]i CH; _[gh] kk; [gh]; _[g]n; [g]n_; [g]+ CH; [g] kk`,
  h: `[h]`,
  i: `_[i]_ aa ih; _[i]m_ aa ih; [igh] aa ih; [in]d_ aa ih nn; [ild]_ aa ih nn DD; [ign] aa ih nn; [ique] ih kk;
    _:[ied] aa ih DD; _:[ies] aa ih SS; _:[ie]_ aa ih; [ier] ih RR; [ie]t aa ih E; [ie] ih;
    [ir]e aa ih RR; [ir]V aa ih RR; [ir] RR; g[i]v ih; l[i]v ih; [iz]% aa ih SS; [i]s% aa ih;
    V:C[i]C+ ih; [i]C% aa ih; [io]_ ih oh; t[i]o; [i] ih`,
  j: `[j] CH`,
  k: `_[k]n; [k] kk`,
  l: `V:C[l]% E nn; [l] nn`,
  m: `[mov] PP ou FF; [m] PP`,
  n: `_[now]_ nn aa ou; a[ng]e nn CH; [ng]_ nn; [ng]s_ nn SS; [ng] nn kk; [n] nn`,
  o: `_[of]_ E FF; _[one] ou E nn; _[once] ou E nn SS; _[only] oh ou nn nn ih; _[our]_ aa ou RR;
    [other] E TH RR; en[ough] E FF; t[ough]_ E FF; r[ough]_ E FF; c[ough] oh FF; r[ough] ou;
    [ought] oh DD; [ough] oh ou; [ould] ou DD; c[ome] E PP; s[ome] E PP; V:[or]_ RR;
    V:[ors]_ RR SS; w[or]C RR; [or] oh RR; [oor] oh RR; y[our] oh RR; f[our] oh RR;
    h[our] aa ou RR; _[over] oh ou FF RR; l[ov] E FF; [ov]e_ oh ou FF; m[on]ey E nn; m[o]n E;
    [own]_ aa ou nn; h[ow] aa ou; c[ow] aa ou; [owe]r aa ou; [ow]d aa ou; [ow] oh ou; [o]C% oh ou;
    [o]CiV oh ou; [ol]d oh ou nn; [ous]_ E SS; y[ou] ou; [oup] ou PP; thr[ou] ou; [ou] aa ou;
    [oy] oh ih; [oi] oh ih; [oo]k ou; [oo] ou; sh[oe] ou; [oe] oh ou; [oa] oh ou; tw[o] ou;
    _t[o]_ ou; _int[o]_ ou; wh[o] ou; [o]_ oh ou; [o]ng oh; i[on] E nn; V:[on]_ E nn;
    [o]st_ oh ou; [o]ss oh; [o]f oh; [o] aa`,
  p: `[ph] FF; [put]_ PP ou DD; _[p]s; _[p]n; [p]b; [p] PP`,
  q: `[que]_ kk; [qu] kk ou; [q] kk`,
  r: `[rh] RR; [r] RR`,
  s: `[sch] SS kk; [sh] CH; [sion] CH E nn; [sure] CH RR; V[su]al CH ou; _[s]ugar CH; i[s]l;
    [s] SS`,
  t: `[tch] CH; [through] TH RR ou; [thr] TH RR; [th] TH; [tion] CH E nn; [tian] CH E nn;
    [tia] CH E; [ture] CH RR; [tu]a CH ou; s[t]en; s[t]le; [t]ch; [t] DD`,
  u: `_b[u]y; _[uni] ih ou nn ih; _[u]s E; _[un] E nn; _[up] E PP; _[u]C% ih ou; [ur]e ou RR;
    [ur] RR; g[u]+; g[u]a; b[u]i; [uy] aa ih; b[u]s ih; f[u]ll ou; p[u]ll ou; [u]C% ou; [u]CC E;
    [u]C_ E; [u] ou`,
  v: `[view] FF ou; [v] FF`,
  w: `_[were]_ ou RR; [what] ou E DD; [who] ou; [wh] ou; _[wr] RR; [w]_; [w] ou`,
  x: `_[x] SS; [x] kk SS`,
  y: `_[young] ih E nn; _[y] ih; bu[y]_ aa ih; ps[y] aa ih; _:[y]_ aa ih; _:[y]C% aa ih; [y] ih`,
  z: `[z] SS`,
};
const SIGNS = /** @type {Record<string, string>} */ ({
  V: '[aeiouy]+',
  C: '[bcdfghjklmnpqrstvwxz]',
  ':': '[bcdfghjklmnpqrstvwxz]*',
  '+': '[eiy]',
  '%': '(?:e|er|ers|es|ed|ing|ely)$',
});
/** How long each is against the mean: as TalkingHead's English lip-sync has it. @type {Record<string, number>} */
const BEATS = {
  ...{ PP: 1.08, FF: 1, TH: 1, DD: 1.05, kk: 1.21, CH: 1.05, SS: 1.23, nn: 0.88, RR: 0.88 },
  ...{ aa: 0.95, E: 0.9, ih: 0.92, oh: 0.96, ou: 0.95 },
};
/** How long the mouth rests. @type {Record<string, number>} */
const RESTS = {
  ',': 3,
  ';': 4,
  ':': 4,
  '.': 6,
  '!': 6,
  '?': 6,
  '…': 6,
  '-': 2,
  '–': 3,
  '—': 3,
  '\n': 6,
};
const DIGITS = 'zero one two three four five six seven eight nine'.split(' ');
const SYMBOLS = /** @type {Record<string, string>} */ ({
  '&': 'and',
  '%': 'percent',
  '+': 'plus',
  '=': 'equals',
  '@': 'at',
});
/** The mouth of a letter that is not English. */
const OTHER = ['aa'];

const sign = (/** @type {string} */ text, /** @type {string} */ end) =>
  text.replace(/[VC:+%_]/g, (one) => (one === '_' ? end : SIGNS[one]));
const RULES = new Map(
  Object.entries(LETTERS).map(([letter, list]) => [
    letter,
    list.split(';').map((rule) => {
      const [, before, letters, after, mouths] = /** @type {RegExpExecArray} */ (
        /^\s*(\S*)\[(\w+)\](\S*)\s*(.*)$/.exec(rule)
      );
      const pattern = `(?<=${sign(before, '^')})${letters}(?=${sign(after, '$')})`;
      return {
        pattern: new RegExp(pattern, 'y'),
        length: letters.length,
        mouths: mouths.split(' ').filter(Boolean),
      };
    }),
  ]),
);
const isDouble = (/** @type {string} */ word, /** @type {number} */ at) =>
  word[at] === word[at + 1] && !/[aeiouyc]/.test(word[at]);

/**
 * The mouths of a word.
 *
 * @param {string} word small letters
 */
export function mouths(word) {
  const all = [];
  for (let at = 0; at < word.length;) {
    const rule = RULES.get(word[at])?.find(({ pattern }) => {
      pattern.lastIndex = at;
      return pattern.test(word);
    });
    // Of two equal consonants one is spoken, unless a rule has both.
    if (isDouble(word, at) && rule?.length === 1) at++;
    else {
      all.push(...(rule?.mouths ?? OTHER));
      at += rule?.length ?? 1;
    }
  }
  return all;
}

/**
 * The sounds of a text, with rests where it has stops: 'sil'. Digits are read one by one.
 *
 * @param {string} text
 * @returns {Sound[]}
 */
export function sounds(text) {
  /** @type {Sound[]} */
  const all = [];
  for (const { 0: part, index } of text.matchAll(/[\p{L}\p{M}'’]+|\n|\S/gu)) {
    if (RESTS[part]) all.push({ viseme: 'sil', beats: RESTS[part], index });
    const plain = part.normalize('NFD').toLowerCase();
    const word = DIGITS[/\d/.test(part) ? Number(part) : -1] ?? SYMBOLS[part] ?? plain;
    for (const viseme of mouths(word.replace(/[^\p{L}]/gu, '')))
      all.push({ viseme, beats: BEATS[viseme], index });
  }
  return all;
}
