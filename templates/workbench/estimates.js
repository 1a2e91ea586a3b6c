"use strict";

/** The cost of a request, estimated from the recorded price of its model, as the package estimates it. */
const estimates = (() => {
  const CURRENCY = "USD";
  const ONE = decimals.create(1);
  const SECONDS = /^(\d+(?:\.\d+)?) ?s?$/;
  const RESOLUTION_SYNONYMS = new Map([
    ["1024", "1k"], ["1440", "2k"], ["2048", "2k"], ["2160", "4k"], ["3840", "4k"],
  ]);
  const HIGH_RESOLUTIONS = ["2k", "4k"];
  // The vendor lists only 2k and 4k at the high rate, and one client bills these at it, too.
  const DISPUTED_RESOLUTIONS = ["1080", "1440"];
  const DRAFT_RESOLUTION = "480p";
  const FINAL_RESOLUTION = "1080p";
  const MAX_SHOWN_LENGTH = 80;

  /** The record does not determine the cost. */
  class UnknownCostError extends Error {}

  const show = (value) => [...literals.writeRepr(value)].slice(0, MAX_SHOWN_LENGTH).join("");

  function parseRate(value) {
    const rate = decimals.parse(value);
    if (rate === null || rate.units < 0n) {
      throw new UnknownCostError(`the price has an unexpected form: ${show(value ?? null)}`);
    }
    return rate;
  }

  const parseOptionalRate = (pricing, field) =>
    pricing[field] === null || pricing[field] === undefined ? null : parseRate(pricing[field]);

  /** Return a positive number of seconds, which may be a text such as `5s`; null for any other value. */
  function parseSeconds(value) {
    const seconds = decimals.parse((typeof value === "string" && SECONDS.exec(value)?.[1]) || value);
    return seconds !== null && seconds.units > 0n ? seconds : null;
  }

  /** Return a positive integer; null for any other value. */
  function parseCount(value) {
    const count = decimals.parse(value);
    const isCount = count !== null && decimals.compare(count, ONE) >= 0 && decimals.isWhole(count);
    return isCount ? decimals.truncate(count) : null;
  }

  const simplify = (resolution) => String(resolution).trim().toLowerCase().replace(/p$/, "");
  const canonicalize = (resolution) =>
    RESOLUTION_SYNONYMS.get(simplify(resolution)) ?? simplify(resolution);

  /** Return the price of a value, without regard to case and to the way in which a resolution is written. */
  function lookUp(prices, value, name) {
    for (const write of [simplify, canonicalize]) {
      const found = Object.entries(prices).find(([key]) => write(key) === write(value));
      if (found) return found;
    }
    throw new UnknownCostError(`the price has no ${name} ${show(value)}`);
  }

  /** Return the prices of a parameter's value, or of each value from which the server chooses. */
  function select(prices, parameters, name) {
    const keys = Object.keys(prices);
    if (keys.length === 0) throw new UnknownCostError(`the price has no ${name}`);
    const value = parameters.findValue(name);
    const choices = parameters.listChoices(name);
    const values = value !== null ? [value] : choices.length > 0 ? choices : keys;
    return new Map(values.map((item) => lookUp(prices, item, name)));
  }

  function formatRange(low, high, format = decimals.formatDollars) {
    const [from, to] = [low, high].map(format);
    return decimals.compare(low, high) === 0 ? from : `${from} to ${to}`;
  }

  /** Return the range of several rates per unit. */
  function combine(rates, unit, disputes = new Set()) {
    const entries = [...rates];
    const pick = (isBetter) =>
      entries.reduce((best, item) => (isBetter(decimals.compare(item[1], best[1])) ? item : best));
    const [lowName, low] = pick((order) => order < 0);
    const [highName, high] = pick((order) => order > 0);
    const text = `${formatRange(low, high)} per ${unit}`;
    if (decimals.compare(low, high) === 0) {
      return { low, high, text: lowName ? `${text} (${lowName})` : text };
    }
    const reason = [...disputes].map((dispute) => `whether ${dispute}`).join(" and ");
    const names = `${lowName || "the general rate"} to ${highName || "the general rate"}`;
    const disagreement = reason && `; clients of the API disagree ${reason}`;
    return { low, high, text: `${text} (${names}${disagreement})` };
  }

  const findSingleRate = (pricing, field, unit) => combine(new Map([["", parseRate(pricing[field])]]), unit);

  function findImageRate(pricing, parameters) {
    const grid = pricing.cost_per_image_grid;
    if (!literals.isObject(grid) || Object.keys(grid).length === 0) {
      return findSingleRate(pricing, "cost_per_image", "image");
    }
    const size = parameters.has("resolution") || parameters.isSent("resolution") ? "resolution" : "size";
    const rates = new Map();
    for (const [quality, row] of select(grid, parameters, "quality")) {
      const cells = literals.isObject(row) ? select(row, parameters, size) : [["", row]];
      for (const [resolution, cell] of cells) rates.set(`${quality} ${resolution}`.trim(), parseRate(cell));
    }
    return combine(rates, "image");
  }

  /** Return the range of the values that a quantity may have. */
  function describeQuantity(limits, parse, unit, quantity) {
    const ends = limits.map(parse);
    if (ends.length === 0 || ends.includes(null)) {
      throw new UnknownCostError(`the ${quantity} is not known before the call`);
    }
    ends.sort(decimals.compare);
    const [low, high] = [ends[0], ends.at(-1)];
    const count = formatRange(low, high, decimals.format);
    return { low, high, text: `${count} ${unit}${decimals.compare(high, ONE) === 0 ? "" : "s"}` };
  }

  function countImages(parameters) {
    const value = parameters.findValue("num_images") ?? (parameters.has("num_images") ? null : 1);
    const limits = value === null ? parameters.listLimits("num_images", 1) : [value];
    return describeQuantity(limits, parseCount, "image", "number of images");
  }

  /** Return the resolutions that a video may have; null for one that is unknown. */
  function listResolutions(table, parameters) {
    if (parameters.isSent("draft_task_id")) return [FINAL_RESOLUTION];
    if (parameters.findValue("draft") === true) return [DRAFT_RESOLUTION];
    const value = parameters.findValue("resolution");
    if (value !== null) return [value];
    const known = [parameters.listChoices("resolution"), Object.keys(table), [null]];
    return known.find((resolutions) => resolutions.length > 0);
  }

  /** Return the rate of a resolution by its name, null without one, and what clients disagree about. */
  function findResolutionRate(table, highRate, resolution) {
    if (Object.keys(table).length > 0) {
      const [name, rate] = lookUp(table, resolution, "resolution");
      return { own: [name, parseRate(rate)] };
    }
    if (highRate === null) return {};
    if (resolution === null) return { possible: ["high resolution", highRate] };
    const name = `high resolution ${resolution}`;
    if (DISPUTED_RESOLUTIONS.includes(simplify(resolution))) {
      return { possible: [name, highRate], dispute: `${resolution} is a high resolution` };
    }
    return HIGH_RESOLUTIONS.includes(canonicalize(resolution)) ? { own: [name, highRate] } : {};
  }

  function findVideoRate(pricing, parameters) {
    const listed = pricing.cost_per_second_by_resolution;
    const table = literals.isObject(listed) ? listed : {};
    const highRate = parseOptionalRate(pricing, "cost_per_second_high_res");
    const audioRate = parseOptionalRate(pricing, "cost_per_second_with_audio");
    const audio = parameters.findValue("generate_audio");
    const rates = new Map();
    const disputes = new Set();
    for (const resolution of listResolutions(table, parameters)) {
      const { own, possible, dispute } = findResolutionRate(table, highRate, resolution);
      if (possible) rates.set(...possible);
      if (dispute) disputes.add(dispute);
      for (const withAudio of typeof audio === "boolean" ? [audio] : [false, true]) {
        const hasAudioRate = withAudio && audioRate !== null;
        if (hasAudioRate && own) disputes.add("the rate of the resolution or the one with audio applies");
        const plain = hasAudioRate || own ? null : parseRate(pricing.cost_per_second);
        if (own) rates.set(...own);
        if (hasAudioRate) rates.set("audio", audioRate);
        if (plain) rates.set("", plain);
      }
    }
    return combine(rates, "second", disputes);
  }

  /** Return the length of a result: the value that is sent, the default, or the range of the schema. */
  function findSeconds(parameters, medium) {
    // A final video has the length of its draft.
    const value = parameters.isSent("draft_task_id") ? null : parameters.findValue("duration");
    const limits = [null, -1].includes(value) ? parameters.listLimits("duration") : [value];
    return describeQuantity(limits, parseSeconds, "second", `length of the ${medium}`);
  }

  /** Return the rate and the quantity of a request. */
  function findCost(pricing, parameters) {
    switch (pricing.method) {
      case "per_image":
        return [findImageRate(pricing, parameters), countImages(parameters)];
      case "per_video_output_second":
        return [findVideoRate(pricing, parameters), findSeconds(parameters, "video")];
      case "per_audio_output_second":
        return [findSingleRate(pricing, "cost_per_second", "second"), findSeconds(parameters, "sound")];
      case "per_provider_credit":
        throw new UnknownCostError("the number of provider credits is not known before the call");
      case "token":
        throw new UnknownCostError("the number of tokens is not known before the call");
      case "time":
        throw new UnknownCostError("the seconds of compute are not known before the call");
      default:
        throw new UnknownCostError(`the price has an unknown method: ${show(pricing.method ?? null)}`);
    }
  }

  function estimateKnown(pricing, parameters, count) {
    const name = parameters.findUnpriced(pricing);
    if (name !== undefined) {
      throw new UnknownCostError(`${name} changes the price by an amount that is not published`);
    }
    const [rate, quantity] = findCost(pricing, parameters);
    const results = decimals.create(count);
    const multiply = (a, b) => decimals.format(decimals.multiply(decimals.multiply(a, b), results));
    return {
      low: multiply(rate.low, quantity.low),
      high: multiply(rate.high, quantity.high),
      currency: CURRENCY,
      basis: (count === 1 ? "" : `${count} results, each of `) + `${quantity.text} at ${rate.text}`,
    };
  }

  /**
   * Return the estimated cost of a request: `low`, `high`, `currency` and `basis`, or else the `reason`.
   * @param model A model of the data.
   * @param values The parameters by wire name.
   * @param {number} count The number of results.
   */
  function estimate(model, values, count = 1) {
    if (!literals.isObject(model.pricing) || Object.keys(model.pricing).length === 0) {
      return { reason: "the price of the model is not known" };
    }
    try {
      return estimateKnown(model.pricing, new PricedParameters(model.schema.properties, values), count);
    } catch (error) {
      if (error instanceof UnknownCostError) return { reason: error.message };
      throw error;
    }
  }

  /** Return the cost of an estimate, such as "$0.04 to $0.08". */
  const formatCost = ({ low, high }) => formatRange(decimals.read(low), decimals.read(high));

  /** Return an estimate in words, such as "$0.04 (1 image at $0.04 per image)". */
  const describe = (estimate) =>
    "reason" in estimate ? `no estimate: ${estimate.reason}` : `${formatCost(estimate)} (${estimate.basis})`;

  return { estimate, formatCost, describe };
})();
