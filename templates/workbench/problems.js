"use strict";

/** Problems with the parameters of a request, with suggestions, in the words of the bindings. */
const problems = (() => {
  const LEAVE_OUT = "leave the parameter out";
  const MAX_LISTED_CHOICES = 50;
  const EXAMPLES = 3;
  const MAX_COMPARED_CHOICES = 100;

  /**
   * Return the problems that errors of `validation` state: {path, parameter, given, message}.
   *
   * `parameter` is the Python name with the place in it, and `message` has the suggestion.
   * @param {object[]} errors The errors, whose paths begin with a wire name.
   * @param {object} type The type of the request.
   * @param {(name: string) => string} getName Returns the Python name of a parameter.
   */
  function describe(errors, type, getName) {
    const found = new Map();
    const items = [...type.properties].map(([name, property]) => [getName(name), [name, property]]);
    const properties = new Map(items);
    for (const error of errors) {
      const name = error.path.length ? getName(error.path[0]) : "";
      const [wireName, property] = properties.get(name) ?? [];
      const problem = describeError(error, name, property, type.required.has(wireName));
      const key = JSON.stringify(error.path);
      found.set(key, found.has(key) ? merge(found.get(key), problem, error.value) : problem);
    }
    return [...found.values()].map(({ expected, suggestion, ...problem }) => ({
      ...problem,
      message: suggestion ? `${expected}; ${suggestion}` : expected,
    }));
  }

  function describeError(error, name, property, isRequired) {
    const choices = error.choices ?? (property ? listChoices(property) : []);
    const isMany = error.kind === "choice" && choices.length > MAX_LISTED_CHOICES;
    const isParameter = property && error.path.length === 1 && !error.isMember;
    const isLeftOut = isParameter && error.value === null && !isRequired;
    const place = error.path.slice(1).map((step) => `[${literals.writeRepr(step)}]`).join("");
    return {
      path: error.path,
      parameter: name + shortenPlace(place),
      given: error.kind === "missing" ? "" : words.shorten(error.exact ?? error.value),
      expected: isMany ? describeChoices(choices) : error.expected,
      suggestion: isLeftOut ? LEAVE_OUT : suggest(name, error, choices),
    };
  }

  function shortenPlace(place) {
    const characters = [...place];
    if (characters.length <= words.MAX_VALUE_LENGTH) return place;
    return `${characters.slice(0, words.MAX_VALUE_LENGTH).join("")}…`;
  }

  /** Return the values of all literals in a type. */
  function listChoices(type) {
    switch (type.kind) {
      case "literal":
        return type.values;
      case "list":
        return listChoices(type.item);
      case "map":
        return listChoices(type.value);
      case "union":
        return validation.listMembers(type).flatMap(listChoices);
      default:
        return [];
    }
  }

  function describeChoices(choices) {
    const values = choices.filter((choice) => choice !== null);
    const none = values.length < choices.length ? ", or None" : "";
    const examples = values.slice(0, EXAMPLES).map(words.shorten);
    return `must be one of ${values.length.toLocaleString("en")} values, such as ${examples.join(", ")}${none}`;
  }

  /** Return the problem of a value that none of several types accepts. */
  function merge(known, problem, value) {
    if (known.expected === problem.expected) return problem;
    const isNumber = typeof value === "number" || typeof value === "boolean";
    return {
      ...known,
      expected: `${known.expected}, or ${problem.expected}`,
      suggestion: isNumber ? undefined : known.suggestion ?? problem.suggestion,
    };
  }

  function suggest(name, error, choices) {
    const { value, kind } = error;
    if (kind === "list" && typeof value === "string") {
      return `wrap it in a list: ${name}=[${words.shorten(value)}]`;
    }
    if (typeof value === "string" && literals.countCharacters(value) <= words.MAX_VALUE_LENGTH) {
      return suggestText(value, choices.filter((choice) => typeof choice === "string"));
    }
    if (typeof value !== "number" || kind !== "choice") return undefined;
    const numbers = choices.filter((choice) => typeof choice === "number" || typeof choice === "boolean");
    if (!numbers.length) return undefined;
    const nearest = numbers.reduce((best, number) => (isNearer(number, best, value) ? number : best));
    return `the nearest is ${words.shorten(nearest)}`;
  }

  function isNearer(a, b, value) {
    const [distanceA, distanceB] = [Math.abs(a - value), Math.abs(b - value)];
    // Far away from both, their distances are rounded to the same number.
    const isBetween = (b < a && a < value) || (value < a && a < b);
    return distanceA < distanceB || (distanceA === distanceB && isBetween);
  }

  function suggestText(value, choices) {
    const word = value.toLowerCase();
    const compared = choices.length > MAX_COMPARED_CHOICES ? selectSimilar(word, choices) : choices;
    const matches = similarity.findCloseMatches(word, compared.map((choice) => choice.toLowerCase()));
    // Prefer the longest common start: '16:9' for '16:10', although '1:1' is as similar.
    matches.sort((a, b) => countCommonStart(b, word) - countCommonStart(a, word));
    const nearest = compared.find((choice) => choice.toLowerCase() === matches[0]);
    return nearest === undefined ? undefined : `did you mean ${literals.writeRepr(nearest)}?`;
  }

  /** Return the choices that have the most pairs of characters of a word. */
  function selectSimilar(word, choices) {
    const pairs = listPairs(word);
    const scored = choices.map((choice) => {
      const shared = [...listPairs(choice.toLowerCase())].filter((pair) => pairs.has(pair));
      return [shared.length, choice];
    });
    scored.sort(([scoreA], [scoreB]) => scoreB - scoreA);
    return scored.slice(0, MAX_COMPARED_CHOICES).map(([, choice]) => choice);
  }

  function listPairs(text) {
    const characters = [...text];
    return new Set(characters.slice(1).map((character, index) => characters[index] + character));
  }

  function countCommonStart(a, b) {
    const others = [...b];
    const characters = [...a].slice(0, others.length);
    const index = characters.findIndex((character, position) => character !== others[position]);
    return index < 0 ? characters.length : index;
  }

  return { describe };
})();
