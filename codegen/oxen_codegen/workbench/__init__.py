"""The workbench: one HTML page with a form and a call for each model.

`schemas`, `data` and `compact` turn records into the data of the page, and `page` renders it with the scripts
and the style in `templates/workbench`, without what `shorten` removes. A package of models only has no page,
because the command that serves it is part of the runtime.
"""
