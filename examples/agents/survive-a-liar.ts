// Seven members agree although one of them tells everyone something else, messages are lost and one member crashes.
// Time and network are simulated: the same seed, the same run.
// Prints:
//   5 of 5 honest members that run decided "blue"
import { ms, Random } from "@mettle/core";
import { PbftMember, type PbftMessage, processNotary, SimulatedNetwork, SimulatedTime } from "@mettle/agents";

const members = 7;
const time = new SimulatedTime();
const network = new SimulatedNetwork<PbftMessage<string>>(time, new Random(42), {
  delay: { min: ms(1), max: ms(20) },
  loss: 0.05,
});
const notary = processNotary();
const decided: string[] = [];

const replicas = Array.from({ length: members }, (_, member) => {
  const replica = new PbftMember<string>({
    member,
    members,
    instance: "which colour",
    network,
    timers: time,
    signer: notary.signer(member),
    verifier: notary.verifier,
    accept: (value) => value === "blue" || value === "red",
    viewTimeout: ms(200),
    decided: (value) => void decided.push(value),
  });
  network.attach(member, (from, message) => replica.receive(from, message));
  return replica;
});

// Member 0 leads the first view, and lies.
replicas[0]?.stop();
for (let to = 1; to < members; to++) {
  network.send(0, to, { kind: "prePrepare", value: to % 2 === 0 ? "red" : "blue" });
}
network.crash(6);
replicas[3]?.propose("blue");

time.run({ until: ms(60_000) });
const [value] = decided;
console.log(`${decided.length} of 5 honest members that run decided ${JSON.stringify(value)}`);
if (decided.some((other) => other !== value)) throw new Error("two values were decided");
