// The libraries behind `k6/html`, read when a script first looks into a page: 41 modules that most scripts never need, in
// every thread.
import { createRequire } from "node:module";
import type * as CssSelect from "css-select";
import type * as Parse5 from "parse5";
import type * as TreeAdapter from "parse5-htmlparser2-tree-adapter";

const load = createRequire(import.meta.url);

let cssSelectModule: typeof CssSelect | undefined;
let parse5Module: typeof Parse5 | undefined;
let adapterModule: typeof TreeAdapter | undefined;

export const cssSelect = (): typeof CssSelect => (cssSelectModule ??= load("css-select") as typeof CssSelect);
export const parse5 = (): typeof Parse5 => (parse5Module ??= load("parse5") as typeof Parse5);

/** Makes the nodes of `domhandler` of what parse5 reads. */
export const treeAdapter = (): typeof TreeAdapter.adapter =>
  (adapterModule ??= load("parse5-htmlparser2-tree-adapter") as typeof TreeAdapter).adapter;
