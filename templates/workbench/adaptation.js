"use strict";

/** Parameters in the terms of another model: names and values by the table of aliases, as in `compare`. */
const adaptation = (() => {
  const MEDIA_KINDS = ["image", "video", "audio"];
  const UNKNOWN = "the model has no such parameter";
  const NO_FRAME = "it is neither a shape such as '16:9' nor a size such as '720p'";

  function indexNames(aliases) {
    const names = new Map();
    for (const alias of aliases.aliases) {
      const own = [alias.name, ...alias.parameters, ...alias.synonyms, alias.inverse ?? alias.name];
      for (const name of own) names.set(name, alias);
    }
    return names;
  }

  /** Throw if two names stand for the same parameter. Some models have two parameters for files. */
  function checkNames(aliasByName, values) {
    const names = new Map();
    for (const name of Object.keys(values)) {
      const alias = aliasByName.get(name);
      if (alias === undefined) continue;
      const pair = [names.get(alias), name];
      const isDistinct = MEDIA_KINDS.includes(alias.kind) && pair.every((item) => alias.parameters.includes(item));
      if (names.has(alias) && !isDistinct) {
        throw new Error(`${names.get(alias)} and ${name} are the same parameter: pass one of them`);
      }
      names.set(alias, name);
    }
  }

  /** Return the names of a parameter in models, the given one first. */
  function listNames(alias, name) {
    const names = [...(alias?.parameters ?? []), ...(alias?.inverse ? [alias.inverse] : [])];
    return names.includes(name) || !alias ? [name, ...names.filter((other) => other !== name)] : names;
  }

  /** Return a schema with the keywords of its alternatives. */
  const mergeMembers = (node) => Object.assign({}, ...(node.anyOf ?? []), node);

  const acceptsFiles = (node) =>
    node.type === "string" || (node.type === "array" && node.items.type === "string");

  class Adapter {
    #aliases;
    #aliasByName;
    #common;
    #properties;
    #required;
    #isVideo;
    #given = new Set();
    #sent = new Map();
    #omitted = [];
    #converted = [];

    constructor(data, model) {
      const { properties, required } = model.schema;
      const merged = Object.entries(properties).map(([name, node]) => [name, mergeMembers(node)]);
      this.#aliases = data.aliases;
      this.#aliasByName = indexNames(data.aliases);
      this.#common = Object.keys(data.common.properties).filter((name) => !Object.hasOwn(properties, name));
      this.#properties = Object.assign(Object.create(null), Object.fromEntries(merged));
      this.#required = required;
      this.#isVideo = model.family === "videos";
    }

    adapt(values) {
      checkNames(this.#aliasByName, values);
      const frame = [];
      this.#given = new Set(Object.keys(values));
      for (const [name, value] of Object.entries(values)) {
        const alias = this.#aliasByName.get(name);
        if (alias?.kind === "frame") frame.push([name, value]);
        else if (MEDIA_KINDS.includes(alias?.kind)) this.#placeMedia(alias, name, value);
        else this.#place(alias, name, value);
      }
      this.#placeFrame(frame);
      return {
        values: Object.fromEntries(this.#sent),
        omitted: this.#omitted,
        converted: this.#converted.map(({ given, sent }) => ({
          given: Object.fromEntries(given),
          sent: Object.fromEntries(sent),
        })),
      };
    }

    /** Return the parameters of the model that a parameter can be sent as, the one with its name first. */
    #listFree(alias, name) {
      const isTaken = (target) => this.#sent.has(target) || (target !== name && this.#given.has(target));
      return listNames(alias, name).filter((target) => target in this.#properties && !isTaken(target));
    }

    /** Send a parameter with one value. */
    #place(alias, name, value) {
      if (this.#common.includes(name)) {
        this.#sent.set(name, value);
        return;
      }
      const [target] = this.#listFree(alias, name);
      if (target === undefined) {
        this.#omit(name, value, UNKNOWN);
        return;
      }
      const isInverse = alias && (name === alias.inverse) !== (target === alias.inverse);
      const meant = isInverse && typeof value === "boolean" ? !value : value;
      try {
        const fitted = fitting.fit(this.#aliases, alias?.kind ?? "exact", this.#properties[target], meant);
        this.#send([name, value], new Map([[target, fitted]]));
      } catch (error) {
        if (!(error instanceof fitting.UnsuitableValueError)) throw error;
        this.#omit(name, value, error.message);
      }
    }

    /** Send files: the first ones to the required parameters, all others to one parameter. */
    #placeMedia(alias, name, value) {
      const files = Array.isArray(value) ? value : [value];
      const names = this.#listFree(alias, name).filter((target) => acceptsFiles(this.#properties[target]));
      if (names.length === 0 || files.length === 0) {
        this.#omit(name, value, names.length > 0 ? "the list is empty" : UNKNOWN);
        return;
      }
      const sent = new Map();
      let left = files;
      for (const target of this.#chooseTargets(names, files.length)) {
        if (left.length === 0) break;
        const { type, maxItems = left.length } = this.#properties[target];
        const count = type === "array" ? maxItems : 1;
        sent.set(target, type === "array" ? left.slice(0, count) : left[0]);
        left = left.slice(count);
      }
      this.#send([name, value], sent);
      if (left.length > 0) {
        const accepted = files.length - left.length;
        this.#omit(name, left, `the model accepts ${accepted} of the ${files.length} files`);
      }
    }

    #chooseTargets(names, count) {
      const isList = (target) => this.#properties[target].type === "array";
      const required = names.filter((target) => this.#required.includes(target));
      if (count <= required.length || required.some(isList)) return required;
      const optional = names.filter((target) => !this.#required.includes(target));
      const lists = optional.filter(isList);
      const further = count - required.length > 1 && lists.length > 0 ? lists : optional;
      return [...required, ...further.slice(0, 1)];
    }

    /** Send the parameters that state the shape and the size of the result. */
    #placeFrame(given) {
      const unchanged = this.#findUnchanged(given);
      const frame = new shapes.Frame(this.#aliases);
      const stated = new Set();
      for (const [name, value] of unchanged) {
        this.#sent.set(name, value);
        const statement = frame.read(name, value);
        if (statement) stated.add(statement);
      }
      const statements = [];
      for (const [name, value] of given.filter((pair) => !unchanged.includes(pair))) {
        const statement = frame.read(name, value);
        const alias = this.#aliasByName.get(name);
        if (statement) statements.push([name, value, statement]);
        else if (this.#listFree(alias, name).length > 0 || !this.#hasFrame()) this.#place(alias, name, value);
        else this.#omit(name, value, NO_FRAME); // the model may accept another value of the parameter
      }
      const free = Object.entries(this.#properties).filter(([name]) => !this.#sent.has(name));
      const { sent, added } = frame.fit(Object.fromEntries(free), stated, this.#isVideo);
      for (const [name, value] of sent) this.#sent.set(name, value);
      for (const [name, value, statement] of statements) {
        if (!added.has(statement)) this.#place(this.#aliasByName.get(name), name, value);
      }
      const used = new Map(statements.filter(([, , statement]) => added.has(statement)));
      const findOthers = (items, others) =>
        [...items].filter(([name, value]) => !validation.areEqual(others.get(name) ?? null, value));
      if (used.size === 0) return;
      this.#converted.push({ given: findOthers(used, sent), sent: findOthers(sent, used) });
    }

    /** Return whether the model has parameters for the shape or the size of the result. */
    #hasFrame() {
      return Object.keys(this.#properties).some((name) => this.#aliasByName.get(name)?.kind === "frame");
    }

    /** Return the frame parameters that the model accepts as they are. */
    #findUnchanged(given) {
      const accepted = given.filter(([name, value]) => this.#accepts(name, value));
      const isLength = ([name]) => name === "width" || name === "height";
      const lengths = given.filter(isLength);
      const isOneOfTwo = lengths.length === 1 && accepted.length < given.length;
      const areFitted = isOneOfTwo || !lengths.every((pair) => accepted.includes(pair)); // together
      return areFitted ? accepted.filter((pair) => !isLength(pair)) : accepted;
    }

    #accepts(name, value) {
      if (!(name in this.#properties)) return false;
      try {
        return validation.areEqual(fitting.fit(this.#aliases, "exact", this.#properties[name], value), value);
      } catch (error) {
        if (!(error instanceof fitting.UnsuitableValueError)) throw error;
        return false;
      }
    }

    #send([name, value], sent) {
      for (const [target, fitted] of sent) this.#sent.set(target, fitted);
      if (sent.size !== 1 || !sent.has(name) || !validation.areEqual(sent.get(name), value)) {
        this.#converted.push({ given: new Map([[name, value]]), sent });
      }
    }

    #omit(name, value, reason) {
      this.#omitted.push({ name, value, reason });
    }
  }

  /**
   * Return parameters in the terms of another model.
   * @param data The data of the page.
   * @param model The model that gets them.
   * @param values The parameters by their names in any model.
   * @returns `values` by wire name; `omitted`: name, value and reason of each parameter that is not sent;
   *     `converted`: the parameters `given` that are `sent` under other names or with other values.
   * @throws {Error} Two names stand for the same parameter.
   */
  const carry = (data, model, values) => new Adapter(data, model).adapt(values);

  const list = (values) =>
    Object.entries(values).map(([name, value]) => `${name}=${words.shorten(value)}`).join(", ");

  /** Return a sentence about one of the `omitted` or `converted` of a model. */
  function describe(id, change) {
    if ("reason" in change) {
      return `${id}: ${change.name}=${words.shorten(change.value)} is not sent: ${change.reason}`;
    }
    return `${id}: ${list(change.given)} is sent as ${list(change.sent)}`;
  }

  return { carry, describe };
})();
