// The layers of the house (docs/architecture.md): who may import whom, by package.
const mayImport = {
  core: [],
  stats: ["core"],
  results: ["core", "stats"],
  bench: ["core", "stats", "results"],
  judge: ["core", "stats", "results"],
  load: ["core", "stats", "results"],
  report: ["core", "stats", "results", "judge"],
  dashboard: ["core", "stats", "results", "judge", "report"],
  agents: ["core"],
  service: ["core", "agents"],
  suites: ["core", "stats", "results", "bench", "load", "judge", "report", "agents", "service"],
  cli: ["core", "stats", "results", "bench", "load", "judge", "report", "dashboard", "agents", "service", "suites"],
};

const layerRules = Object.entries(mayImport).map(([name, allowed]) => ({
  name: `layer-${name}`,
  severity: "error",
  comment: `packages/${name} may import only: ${allowed.join(", ") || "nothing of ours"}`,
  from: { path: `^packages/${name}/src/` },
  to: { path: "^packages/", pathNot: `^packages/(${[name, ...allowed].join("|")})/` },
}));

export default {
  forbidden: [
    ...layerRules,
    {
      name: "package-not-in-table",
      severity: "error",
      comment: "every package needs a row in the table above",
      from: { path: "^packages/", pathNot: `^packages/(${Object.keys(mayImport).join("|")})/` },
      to: {},
    },
    {
      name: "inner-file",
      severity: "error",
      comment: "a package is used through its src/index.ts",
      from: { path: "^packages/([^/]+)/src/" },
      to: { path: "^packages/([^/]+)/src/", pathNot: ["^packages/$1/", "^packages/[^/]+/src/index\\.ts$"] },
    },
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "undeclared-dependency",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      // A peer is declared, also when it is a development dependency for our own tests.
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.test.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["mettle-source", "import", "node", "default"],
    },
  },
};
