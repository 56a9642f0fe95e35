import fc from "fast-check";

/**
 * Random scripts whose functions call each other, block, and pass each other around in every way that the analysis has to
 * follow. `step(n)` limits the running time: every function spends fuel.
 */
type Gen = fc.Arbitrary<string>;

const variable = fc.constantFrom("a", "b", "c");
const functionName = fc.constantFrom("f0", "f1", "f2", "f3");
const methodName = fc.constantFrom("m0", "m1", "m2");
const number = fc.integer({ min: 0, max: 9 }).map(String);

const callable: Gen = fc.oneof(
  functionName,
  methodName.map((name) => `object.${name}`),
  methodName.map((name) => `instance.${name}`),
  functionName.map((name) => `handlers.${name}`),
  functionName.map((name) => `handlers["${name}"]`),
  fc.tuple(functionName, functionName).map(([x, y]) => `(fuel % 2 ? ${x} : ${y})`),
  fc.nat(3).map((i) => `list[${i}]`),
  functionName.map((name) => `pick("${name}")`),
  fc.tuple(functionName, number).map(([name, n]) => `${name}.bind(null, ${n})`),
  functionName.map((name) => `wrapped(${name})`),
);

const callback = (expression: Gen, statements: Gen): Gen =>
  fc.oneof(
    functionName,
    expression.map((body) => `(x) => ${body}`),
    statements.map((body) => `function (x) { ${body} return x; }`),
    callable,
  );

const { expression, statements } = fc.letrec<{ expression: string; statements: string; statement: string }>((tie) => {
  const e = tie("expression");
  const s = tie("statements");
  return {
    expression: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      number,
      variable,
      fc.tuple(callable, e).map(([f, x]) => `${f}(${x})`),
      e.map((x) => `http.get("u" + ${x}).status`),
      e.map((x) => `http["get"](${x}).json().value`),
      fc.tuple(e, e).map(([x, y]) => `(${x} + ${y})`),
      fc.tuple(e, e, e).map(([x, y, z]) => `(${x} > ${y} ? ${z} : log(${y}))`),
      fc.tuple(e, e).map(([x, y]) => `(${x} && ${y})`),
      fc.tuple(functionName, e).map(([f, x]) => `${f}.call(null, ${x})`),
      fc.tuple(functionName, e).map(([f, x]) => `${f}.apply(null, [${x}])`),
      fc
        .tuple(fc.constantFrom("map", "filter", "flatMap"), callback(e, s))
        .map(([m, f]) => `sum([3, 1, 2].${m}(${f}))`),
      fc
        .tuple(fc.constantFrom("some", "every", "find", "findIndex"), callback(e, s))
        .map(([m, f]) => `Number([1, 2].${m}(${f}))`),
      e.map((x) => `[4, 5].reduce((total, y) => total + y + ${x}, 0)`),
      callback(e, s).map((f) => `run(${f}, 2)`),
      fc.tuple(fc.constantFrom("x", "y"), callback(e, s)).map(([n, f]) => `Number(group("${n}", ${f}))`),
      fc.tuple(e, callback(e, s)).map(([x, f]) => `Number(check(${x}, { one: ${f}, two: (v) => v > 2 }))`),
      fc.tuple(variable, e).map(([v, x]) => `(${v} += ${x})`),
      e.map((x) => `((p = ${x}, q = http.get(p).status) => p + q)()`),
      fc.tuple(e, e).map(([x, y]) => `defaults(${x}, undefined, ${y})`),
      e.map((x) => `object?.m0(${x})`),
      e.map((x) => `new Thing(${x}).value`),
      e.map((x) => `sum([...[${x}], ...list.map(() => 1)])`),
      e.map((x) => `tag\`v\${${x}}\``),
    ),
    statement: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      e.map((x) => `log(${x});`),
      e.map((x) => `${x}\n`),
      fc.tuple(variable, e).map(([v, x]) => `${v} = ${x};`),
      e.map((x) => `sleep(${x});`),
      fc.tuple(e, s, s).map(([x, yes, no]) => `if (${x} > 3) { ${yes} } else { ${no} }`),
      s.map((body) => `for (let i = 0; i < 2; i++) { ${body} }`),
      s.map((body) => `for (const i of [1, 2]) { ${body} }`),
      fc.tuple(e, s).map(([x, body]) => `switch (${x}) { case 1: ${body} break; default: log("d"); }`),
      fc
        .tuple(s, s)
        .map(
          ([body, after]) =>
            `try { ${body} if (fuel % 3 === 0) throw new Error("thrown"); } catch (e) { ${after} log(e.message); } finally { log("f"); }`,
        ),
      e.map((x) => `{ const { status, body: [head = ${x}] = [] } = http.get("d"); log(status, head); }`),
      callback(e, s).map((f) => `[1, 2].forEach(${f});`),
      callback(e, s).map((f) => `new Map([[1, 2]]).forEach(${f});`),
      fc.tuple(functionName, callback(e, s)).map(([n, f]) => `handlers.${n} = ${f};`),
      callback(e, s).map((f) => `later.push(${f});`),
      fc.constant("while (later.length > 0) later.pop()(1);"),
      e.map((x) => `return ${x};`),
    ),
    statements: fc.array(tie("statement"), { minLength: 1, maxLength: 3 }).map((list) => list.join("\n")),
  };
});

const functionText = (name: string, body: string, parameter: string): string =>
  `function ${name}(${parameter}) { step("${name}", x); ${body}\nreturn x; }`;

const parameter: Gen = fc.oneof(
  fc.constant("x"),
  fc.constant("x = http.get('p').status"),
  fc.constant("x, { z = sleep(1) } = {}, ...rest"),
);

/** The text of a script with a default export and no state outside it. */
export const randomProgram: Gen = fc
  .tuple(
    fc.array(fc.tuple(statements, parameter), { minLength: 4, maxLength: 4 }),
    fc.array(statements, { minLength: 3, maxLength: 3 }),
    fc.array(statements, { minLength: 3, maxLength: 3 }),
    statements,
    expression,
  )
  .map(
    ([functions, methods, classMethods, main, field]) => `
let fuel = 40
let a = 1, b = 2, c = 3;
const later = [];
function log(...values) { console.log(...values); return values.length; }
function sum(values) { let total = 0; for (const value of values) total += Number(value) || 0; return total; }
function step(name, x) { console.log(name, typeof x); if (fuel-- < 0) throw new Error("out of fuel"); }
function run(f, times) { let result = 0; for (let i = 0; i < times; i++) result += Number(f(i)) || 0; return result; }
function wrapped(f) { return (...args) => f(...args); }
function tag(strings, ...values) { step("tag", 0); return http.get(strings.join("-") + values).status; }
function defaults(p, q = http.get("q").status, r = p + q) { return p + q + r; }
class Thing { constructor(value) { this.value = value; } }
${functions.map(([body, parameters], i) => functionText(`f${i}`, body, parameters)).join("\n")}
const object = { ${methods.map((body, i) => `m${i}(x) { step("o${i}", x); ${body} return x; }`).join(",\n")} };
class Base { ${classMethods.map((body, i) => `m${i}(x) { step("c${i}", x); ${body} return x; }`).join("\n")} }
class Derived extends Base { m0(x) { step("d", x); return super.m0(x); } field = (x) => { step("field", x); return ${field}; } }
const instance = new Derived();
const handlers = { f0, f1: f1, f2: (x) => f2(x), f3() { return f3(1); } };
const list = [f0, f1, (x) => f2(x), instance.field];
const pick = (name) => handlers[name];
export default function () {
  ${main}
  log(f0(1))
  log(instance.m0(2))
}
`,
  );
