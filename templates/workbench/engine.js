"use strict";

/** The models of the page, their parameters, and the validation of values. */
const engine = (() => {
  const USUAL = {
    developer: "",
    task: "",
    image_parameters: [],
    price: null,
    rate: null,
    pricing: null,
    basic: [],
    citations: [],
    names: {},
    example: null,
  };
  let models = new Map();
  let common = {};
  const requests = new Map();

  /** Use the data of the page, and restore the models in it, which are in a compact form. */
  function load(data) {
    data.models = data.models.map((model) => restore(model, data.properties));
    delete data.properties;
    models = new Map(data.models.map((model) => [model.id, model]));
    common = data.common.properties;
    requests.clear();
  }

  function restore(model, shared) {
    const properties = Object.fromEntries(model.schema.properties.map((position) => shared[position]));
    return {
      ...USUAL,
      reference: model.id,
      module: model.id.toLowerCase().replace(/[^a-z0-9]+/g, "_"),
      ...model,
      schema: { type: "object", additionalProperties: false, ...model.schema, properties },
    };
  }

  /** Return all models. */
  function list() {
    return [...models.values()];
  }

  /** Return the model with an id; undefined without one. */
  function find(id) {
    return models.get(id);
  }

  /**
   * Return the parameters of a model, in the order of the reference page and then those that every model has.
   * @returns {parameters.Parameter[]}
   */
  function listParameters(id) {
    return parameters.list(models.get(id), getSchema(id));
  }

  /** Return the schema of a model with the parameters that every model has. */
  function getSchema(id) {
    const { schema } = models.get(id);
    return { ...schema, properties: { ...schema.properties, ...selectMissing(schema.properties) } };
  }

  function selectMissing(properties) {
    return Object.fromEntries(Object.entries(common).filter(([name]) => !Object.hasOwn(properties, name)));
  }

  /** Return the media that the prompt of a model can cite: {mark, parameters}, such as `@Image`. */
  function listCitations(id) {
    return models.get(id).citations;
  }

  /**
   * Return what is wrong with the values of a request: {path, parameter, given, message}, empty if nothing is.
   *
   * `path` has wire names and positions; `parameter` is the Python name with positions, such as `input_image[0]`.
   * `given` is the value, and `message` what is expected instead.
   * @param {string} id The id of the model.
   * @param {object} values JSON values by wire name.
   * @param {Set<string>} files The paths that are accepted as media, beside URLs.
   */
  function check(id, values, files) {
    const { names } = models.get(id);
    const type = getRequest(id);
    const getName = (name) => (Object.hasOwn(names, name) ? names[name] : name);
    return problems.describe(validation.validate(type, values, files), type, getName);
  }

  function getRequest(id) {
    if (!requests.has(id)) requests.set(id, types.build(getSchema(id)));
    return requests.get(id);
  }

  return { load, models: list, find, parameters: listParameters, citations: listCitations, check };
})();
