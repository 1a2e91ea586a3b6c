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
    example: {},
    without: [],
    schema: {},
    properties: [],
    required: 0,
  };
  let models = new Map();
  let common = {};
  const requests = new Map();

  /** Use the data of the page, and restore the models in it, which are in a compact form. */
  function load(data) {
    data.models = data.models.id.map((id, index) => restore(readRow(data.models, index), data.properties));
    data.models.sort((a, b) => (a.id < b.id ? -1 : 1));
    delete data.properties;
    models = new Map(data.models.map((model) => [model.id, model]));
    common = data.common.properties;
    requests.clear();
  }

  function readRow(columns, index) {
    const items = Object.entries(columns).map(([key, column]) => [key, column[index]]);
    return Object.fromEntries(items.filter(([, value]) => value !== 0));
  }

  function restore(row, shared) {
    const { properties: positions, required, without, ...model } = { ...USUAL, ...row };
    const names = positions.map((position) => shared[position][0]);
    const properties = Object.fromEntries(positions.map((position) => shared[position]));
    const shown = names.filter((name, index) => index < required || model.basic.includes(name));
    const choose = (name) => model.example[name] ?? properties[name].example ?? properties[name].default;
    const examples = shown.filter((name) => !without.includes(name)).map((name) => [name, choose(name)]);
    return {
      reference: model.id,
      module: model.id.toLowerCase().replace(/[^a-z0-9]+/g, "_"),
      ...model,
      example: Object.fromEntries(examples),
      schema: {
        type: "object",
        additionalProperties: false,
        ...model.schema,
        properties,
        required: names.slice(0, required),
      },
    };
  }

  function listModels() {
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
   * Return what is wrong with the values of a request: {path, parameter, given, message}. Empty if valid.
   *
   * `path` has wire names and positions; `parameter` is the Python name with the place in it, such as
   * `input_image[0]`. `given` is the value, and `message` what is expected instead.
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

  /** Return the wire name of a parameter, given by its Python name with the place in it. */
  function findWireName(id, parameter) {
    const name = parameter.split("[")[0];
    const found = Object.entries(models.get(id).names).find(([, pythonName]) => pythonName === name);
    return found ? found[0] : name;
  }

  function getRequest(id) {
    if (!requests.has(id)) requests.set(id, types.build(getSchema(id)));
    return requests.get(id);
  }

  return { load, listModels, find, listParameters, listCitations, check, findWireName };
})();
