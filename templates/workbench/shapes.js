"use strict";

/** The shape and the size of a result in the terms of one model: ratio, resolution, or width and height. */
const shapes = (() => {
  const NUMBER = "(\\d{1,5}(?:\\.\\d{1,5})?)";
  const RATIO = new RegExp(`^${NUMBER}:${NUMBER}$`);
  const LINES = /^(\d{1,5})(?:p|sq)?$/;
  const THOUSANDS = /^(\d{1,2})k$/;
  const MEGAPIXELS = new RegExp(`^${NUMBER} ?mp$`);
  const MAX_LENGTH = 99_999;
  const VIDEO_LINES = new Map([[1, 720], [2, 1440], [3, 1620], [4, 2160], [8, 4320]]);
  const STEP = 16;
  const RATIO_NAMES = ["aspect_ratio", "size", "image_size", "resolution"];
  const RESOLUTION_NAMES = ["resolution", "size", "image_size", "target_resolution"];

  const isLength = (value) => Number.isInteger(value) && value > 0 && value <= MAX_LENGTH;
  const listChoices = (node) => (node?.enum ?? []).filter((choice) => typeof choice === "string");
  const measureDistance = (a, b) => Math.abs(Math.log(a / b));

  /** Return the first of several items for which a function is lowest. */
  const findLowest = (items, measure) =>
    items.reduce((best, item) => (measure(item) < measure(best) ? item : best));

  /** Round half to even, as Python does. */
  function round(value) {
    const floor = Math.floor(value);
    const isUp = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 !== 0);
    return isUp ? floor + 1 : floor;
  }

  const roundLength = (length) => Math.max(STEP, round(length / STEP) * STEP);

  const limit = ({ minimum = 1, maximum = Infinity }, length) =>
    Math.trunc(Math.max(Math.min(length, maximum), minimum));

  /**
   * Return the length in pixels that a text such as 2K, 720p or "1 MP" states; null for other texts.
   *
   * It is the length of the shorter side of a video, and of the side of a square image.
   */
  function countLines(text, isVideo) {
    const lower = text.toLowerCase();
    let found = LINES.exec(lower);
    if (found) return Number(found[1]) || null;
    found = THOUSANDS.exec(lower);
    if (found) {
      const thousands = Number(found[1]);
      return (isVideo ? VIDEO_LINES.get(thousands) : 1024 * thousands) || null;
    }
    found = MEGAPIXELS.exec(lower);
    return (found && 1024 * Math.sqrt(Number(found[1]))) || null;
  }

  /** A shape and a size, as far as parameters state them. */
  class Frame {
    #ratio = null;
    #isAutomatic = false;
    #label = null;
    #lengths = { width: null, height: null };
    #aliases;

    /** @param aliases The table of aliases in the data of the page, which has the named shapes. */
    constructor(aliases) {
      this.#aliases = aliases;
    }

    /**
     * Include a parameter. The first one applies if several parameters state the same.
     * @returns {"shape" | "size" | "pixels" | null} What it states; null if it states nothing.
     */
    read(name, value) {
      if (name === "width" || name === "height") return this.#readLengths({ [name]: value });
      if (literals.isObject(value)) {
        const isSize = Object.keys(value).length === 2 && "width" in value && "height" in value;
        return isSize ? this.#readLengths(value) : null;
      }
      if (typeof value !== "string" && !isLength(value)) return null;
      const text = String(value);
      if ((name === "aspect_ratio" || name === "ratio") && this.#aliases.automatic.includes(text)) {
        this.#isAutomatic = true;
        return "shape";
      }
      const ratio = this.#parseRatio(text);
      if (ratio !== null) {
        this.#ratio ??= ratio;
        return "shape";
      }
      if (countLines(text, false) === null) return null;
      this.#label ??= text;
      return "size";
    }

    /**
     * Return the parameters of a model that state this frame as nearly as possible, and what they state.
     * @param properties The schemas of the parameters of the model.
     * @param {Set<string>} stated What other parameters of the request state already.
     * @param {boolean} isVideo Whether the result is a video.
     */
    fit(properties, stated, isVideo) {
      const { width, height } = this.#lengths;
      const isFree = (statement) => !stated.has(statement) && !(stated.has("pixels") && width && height);
      if (width && this.#ratio) this.#lengths.height ??= Math.max(1, round(width / this.#ratio));
      if (height && this.#ratio) this.#lengths.width ??= Math.max(1, round(height * this.#ratio));
      const sent = new Map();
      const added = new Set();
      const add = (...statements) => statements.forEach((statement) => added.add(statement));
      const ratio = isFree("shape") ? this.#findRatio(properties) : null;
      if (ratio) {
        sent.set(...ratio);
        add("shape", "pixels");
      }
      const lines = isFree("size") ? this.#countLines(isVideo) : null;
      const resolution = lines === null ? null : this.#findResolution(properties, sent, lines, isVideo);
      if (resolution) {
        sent.set(...resolution);
        add("size", "pixels");
      }
      if (sent.size === 0 && stated.size === 0 && properties.width && properties.height) {
        const lengths = this.#fitPixels(properties.width, properties.height, lines, isVideo);
        for (const [name, length] of lengths) sent.set(name, length);
        if (sent.size > 0) add("shape", "size", "pixels");
      }
      return { sent, added };
    }

    #readLengths(lengths) {
      if (!Object.values(lengths).every(isLength)) return null;
      for (const [name, length] of Object.entries(lengths)) this.#lengths[name] ??= length;
      const { width, height } = this.#lengths;
      if (width && height) this.#ratio ??= width / height;
      return "pixels";
    }

    /** Return width divided by height that a text such as 16:9 or portrait_4_3 states; null for others. */
    #parseRatio(text) {
      const shape = Object.hasOwn(this.#aliases.shapes, text) ? this.#aliases.shapes[text] : null;
      const [width, height] = (shape ?? RATIO.exec(text)?.slice(1) ?? [0, 0]).map(Number);
      return width && height ? width / height : null;
    }

    #findRatio(properties) {
      for (const name of RATIO_NAMES) {
        const choices = listChoices(properties[name]).filter((choice) => this.#parseRatio(choice));
        if (choices.length === 0) continue;
        if (this.#isAutomatic) {
          const { automatic } = this.#aliases;
          const choice = listChoices(properties[name]).find((text) => automatic.includes(text));
          if (choice !== undefined) return [name, choice];
        }
        if (this.#ratio !== null) {
          const measure = (choice) => measureDistance(this.#parseRatio(choice), this.#ratio);
          return [name, findLowest(choices, measure)];
        }
      }
      return null;
    }

    #countLines(isVideo) {
      if (this.#label !== null) return countLines(this.#label, isVideo);
      const { width, height } = this.#lengths;
      if (!width || !height) return null;
      return isVideo ? Math.min(width, height) : Math.sqrt(width * height);
    }

    #findResolution(properties, sent, lines, isVideo) {
      for (const name of RESOLUTION_NAMES) {
        const isResolution = (choice) => countLines(choice, isVideo) !== null;
        const choices = listChoices(properties[name]).filter(isResolution);
        if (choices.length === 0 || sent.has(name)) continue;
        if (choices.includes(this.#label)) return [name, this.#label];
        const measure = (choice) => measureDistance(countLines(choice, isVideo), lines);
        return [name, findLowest(choices, measure)];
      }
      return null;
    }

    /** Return a width and a height within the limits of a model. */
    #fitPixels(widthNode, heightNode, lines, isVideo) {
      const own = this.#lengths;
      let [width, height] = [widthNode, heightNode].map((node) => node.default ?? 1024);
      if (this.#ratio === null && (lines === null || own.width || own.height)) return [];
      const ratio = this.#ratio ?? width / height;
      const hasOwn = own.width !== null && own.height !== null;
      if (hasOwn) {
        ({ width, height } = own);
      } else if (lines !== null && isVideo) {
        [width, height] = [lines * Math.max(1, ratio), lines * Math.max(1, 1 / ratio)];
      } else {
        const area = lines === null ? width * height : lines * lines;
        [width, height] = [Math.sqrt(area * ratio), Math.sqrt(area / ratio)];
      }
      const { maximum: maxWidth = width } = widthNode;
      const { maximum: maxHeight = height } = heightNode;
      const scale = Math.min(1, maxWidth / width, maxHeight / height);
      if (!hasOwn || scale < 1) [width, height] = [width, height].map((length) => roundLength(length * scale));
      return [["width", limit(widthNode, width)], ["height", limit(heightNode, height)]];
    }
  }

  return { Frame, findLowest };
})();
