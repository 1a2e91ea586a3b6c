"use strict";

/** Similar texts, as `difflib` of Python finds them. */
const similarity = (() => {
  const MAX_MATCHES = 3;
  const MIN_RATIO = 0.6;

  /** Return at most three texts that are similar to a word, the most similar first. */
  function findCloseMatches(word, texts) {
    const scored = texts.map((text) => [findRatio([...text], [...word]), text]);
    scored.sort(([scoreA, a], [scoreB, b]) => scoreB - scoreA || compareTexts(b, a));
    return scored
      .filter(([score]) => score >= MIN_RATIO)
      .slice(0, MAX_MATCHES)
      .map(([, text]) => text);
  }

  function compareTexts(a, b) {
    const [pointsA, pointsB] = [a, b].map((text) => [...text].map((char) => char.codePointAt(0)));
    const index = pointsA.findIndex((point, position) => point !== pointsB[position]);
    return index < 0 ? pointsA.length - pointsB.length : pointsA[index] - (pointsB[index] ?? -1);
  }

  function findRatio(a, b) {
    const length = a.length + b.length;
    return length ? (2 * countMatches(a, b)) / length : 1;
  }

  /** Return the number of characters in the matching blocks of two texts. */
  function countMatches(a, b) {
    const { start, other, size } = findLongestMatch(a, b);
    if (!size) return 0;
    const before = countMatches(a.slice(0, start), b.slice(0, other));
    return before + size + countMatches(a.slice(start + size), b.slice(other + size));
  }

  /** Return the first of the longest common blocks. */
  function findLongestMatch(a, b) {
    let best = { start: 0, other: 0, size: 0 };
    let lengths = [];
    a.forEach((char, start) => {
      const next = [];
      b.forEach((candidate, other) => {
        if (candidate !== char) return;
        next[other] = (lengths[other - 1] ?? 0) + 1;
        if (next[other] > best.size) {
          best = { start: start - next[other] + 1, other: other - next[other] + 1, size: next[other] };
        }
      });
      lengths = next;
    });
    return best;
  }

  return { findCloseMatches };
})();
