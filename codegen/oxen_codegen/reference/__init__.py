"""The reference site: a page for each recorded model, with its examples.

`pages` turns records into values, `examples` renders the programs of a page, and `site` renders Markdown.
Every text of the API is untrusted: `markdown` and `source` write it so that it stays text.
"""
