"use strict";

const PricedParameters = (() => {
  /** Parameters whose effect on the cost is in the price, if it has one of these fields. */
  const PRICED_PARAMETERS = {
    per_image: {
      num_images: ["method"],
      quality: ["cost_per_image_grid"],
      resolution: ["cost_per_image_grid"],
      size: ["cost_per_image_grid"],
    },
    per_video_output_second: {
      duration: ["method"],
      generate_audio: ["cost_per_second_with_audio"],
      resolution: ["cost_per_second_by_resolution", "cost_per_second_high_res"],
    },
    per_audio_output_second: { duration: ["method"] },
  };
  const ABOUT_PRICE = /\b(pric(e|es|ed)|costs?|cheaper|billed)\b/i;
  const SAME_PRICE = /\bsame price\b/i;

  const isChosenByServer = (value) =>
    value === null || value === undefined || (typeof value === "string" && value.toLowerCase() === "auto");

  /** Return the values of an enum from which the server chooses; null if the schema has no enum. */
  const findChoices = (node) => node.enum?.filter((value) => value !== -1 && !isChosenByServer(value)) ?? null;

  /** The parameters of a request as far as its cost depends on them, with the defaults of the schema. */
  class PricedParameters {
    constructor(nodes, sent) {
      this.nodes = nodes;
      this.sent = sent;
    }

    has(name) {
      return Object.hasOwn(this.nodes, name);
    }

    /** Return the schema of a parameter; empty without one. */
    findNode(name) {
      return this.has(name) ? this.nodes[name] : {};
    }

    isSent(name) {
      return Object.hasOwn(this.sent, name) && this.sent[name] !== null;
    }

    /** Return the value that is sent, or else the default; null if the server chooses it. */
    findValue(name) {
      const value = this.isSent(name) ? this.sent[name] : this.findNode(name).default;
      return isChosenByServer(value) ? null : value;
    }

    /** Return the values from which the server chooses; empty if they are unknown. */
    listChoices(name) {
      const choices = this.#listAlternatives(name).map(findChoices);
      return choices.includes(null) ? [] : choices.flat();
    }

    /** Return the values from which the server chooses, or the ends of their range. */
    listLimits(name, lowest) {
      const nodes = this.#listAlternatives(name);
      return nodes.flatMap((node) => findChoices(node) ?? [node.minimum ?? lowest, node.maximum]);
    }

    /** Return the schemas of which a value that is not null has one. */
    #listAlternatives(name) {
      const node = this.findNode(name);
      return (node.anyOf ?? [node]).filter((member) => member.type !== "null");
    }

    /** Return the name of a parameter that changes the cost by an amount which is not in the price. */
    findUnpriced(pricing) {
      const priced = PRICED_PARAMETERS[pricing.method] ?? {};
      return Object.keys(this.nodes).find((name) => {
        const { description = "", default: initial } = this.findNode(name);
        if ((priced[name] ?? []).some((field) => pricing[field])) return false;
        if (!ABOUT_PRICE.test(description) || SAME_PRICE.test(description)) return false;
        const isDefault = !this.isSent(name) || validation.areEqual(this.sent[name], initial);
        return !isDefault || description.toLowerCase().includes("billed");
      });
    }
  }

  return PricedParameters;
})();
