#!/usr/bin/env node
// Plain JavaScript in a syntax that old Nodes parse, so that they can say what is missing instead of a SyntaxError.
const version = process.versions.node;
const wanted = 24;

if (parseInt(version, 10) < wanted) {
  process.stderr.write(
    "Mettle needs Node.js " +
      wanted +
      " or newer; this is v" +
      version +
      ". Install it here with: npm install --save-dev node@" +
      wanted +
      ", then run npx mettle.\n",
  );
  process.exitCode = 2;
} else {
  void import("../dist/main.js").then(function (program) {
    return program.main();
  });
}
