// What the harness makes of a body that does nothing: at most 0.5 ns are left after subtraction.
import { bench } from "@mettle/bench";

bench("empty", () => {});
bench("constant", () => 1);
