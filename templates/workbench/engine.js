"use strict";

/** The models of the page, their parameters, and the validation of values. */
const engine = (() => {
  let models = new Map();

  /** Use the data of the page. */
  function load(data) {
    models = new Map(data.models.map((model) => [model.id, model]));
  }

  return {
    load,
    models: () => [...models.values()],
    find: (id) => models.get(id),
  };
})();
