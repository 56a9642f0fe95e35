import fc from "fast-check";

/** Strings that have broken renderers: markup, escape sequences, commands, direction marks, broken Unicode, sheer size. */
export const hostileTexts: readonly string[] = [
  "",
  "</failure></testcase>]]><!-- --><script>alert(1)</script>&amp;&lt;",
  "\u001b[2J\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u001b]8;;http://x\u0007link\u001b]8;;\u0007 \u009b31m",
  "\u0000\u0001\u0008\u000b\u000c\u001f\u007f\u0080\u009f\ufffe\uffff",
  "\u202eevil\u202c \u2066iso\u2069 \u200f שלום عالم",
  "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 e\u0301 한국어 日本語 ｆｕｌｌ",
  "\ud800 lone \udc00 \udbff",
  "| a | b |\n---|---\n\\| `code` ``x`` <b> @team #12 https://evil.example www.evil.example GH-7 [x](y) ![z](q) $x$",
  "-->\n<!-- mettle:other -->",
  "::error file=x::injected\r\n::set-output name=a::b",
  `${"y".repeat(70)} ::add-mask::z ${"x::".repeat(60)}`,
  "##[add-mask]x ##vso[task.setvariable]y %0A::error::x",
  "__proto__",
  "x".repeat(100_000),
  "&<>\"'\u0000".repeat(5000),
  "🙂".repeat(20_000),
];

export const hostile: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: "binary", maxLength: 60 }),
  // Any UTF-16 units, lone surrogates included, with the characters that mean something made likely.
  fc
    .array(
      fc.oneof(
        fc.integer({ min: 0, max: 0xffff }),
        fc.constantFrom(...Array.from("\u001b[]<>&|`@#:-\n\r%", (c) => c.charCodeAt(0))),
      ),
      {
        maxLength: 80,
      },
    )
    .map((units) => String.fromCharCode(...units)),
);
