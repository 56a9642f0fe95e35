/** Passages, and questions that one of them answers; written for these tests. */
export interface Question {
  readonly question: string;
  /** The place of the passage that answers it. */
  readonly answer: number;
  /** Whether the question has few words of its passage, or a name that it repeats. */
  readonly kind: "meaning" | "name";
}

export const passages: readonly string[] = [
  "The pool keeps five connections open. When all are busy, further callers wait in line for at most ten seconds and are then refused.",
  "A broken spoke lets the rim bend sideways. Loosen the neighbours a little, fit a new one and true the wheel before riding on.",
  "Knead the dough until it is smooth, let it rise under a cloth for an hour, and put the loaf into a very hot oven.",
  "Bees gather nectar from flowers and carry it home, where it thickens in wax cells until it has become honey.",
  "The court found that the tenant had paid rent on time and ordered the owner to return the whole deposit.",
  "Vaccines teach the immune system to recognise a virus, so that a later infection is fought off before it does harm.",
  "Interest that is added to a savings account earns interest itself; over decades most of the money comes from this growth.",
  "Tides follow the moon: its pull raises the sea on the near side, and twice a day the coast sees high water.",
  "Volcanoes throw ash high into the atmosphere. Fine particles ground aircraft because they melt inside turbines.",
  "The striker scored twice in the second half, and the goalkeeper saved a penalty in the last minute of the match.",
  "Install the certificate on every proxy before the old one expires on 30 June, otherwise clients refuse the connection.",
  "A violin is tuned in fifths. Turn the pegs slowly and use the fine tuners near the bridge for small corrections.",
  "Prune apple trees in late winter while they sleep: cut crossing branches so that light reaches the fruit.",
  "Garbage collection pauses the program while memory that nobody refers to any longer is given back.",
  "The train to Lisbon leaves at seven in the evening; sleeping cars must be booked two weeks ahead.",
  "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen in the green parts of plants.",
  "Employees may carry five unused days of leave into the next year; the rest lapses at the end of March.",
  "Whales sing to find one another over hundreds of kilometres, and the songs of a population change every season.",
  "The novel tells of a sailor who returns after twenty years and finds that nobody in the village knows him.",
  "Concrete reaches most of its strength after four weeks and must be kept damp in the first days so that it does not crack.",
  "Patients with high blood pressure should eat less salt, walk every day and have their values checked each month.",
  "The parliament passed the budget by a narrow majority after the opposition had demanded lower taxes.",
  "Solar panels on the roof give most of their electricity at noon; a battery keeps some of it for the evening.",
  "Customers may send goods back within thirty days and get the full price refunded to their card.",
  "A lease on a job lasts fifteen seconds. If the worker dies, another takes the job over with a higher fencing number.",
  "Glaciers grind the rock beneath them and leave wide valleys with steep walls when the ice has gone.",
  "Error E4711 means that the spindle has overheated: stop the mill and clean the coolant filter.",
  "The Zephyrion module reads sensor frames at 400 Hz and drops those that come late.",
  "Set METTLE_POOL_MAX to the number of connections that the database grants to this service.",
  "Invoice 2024-0815 of Brandtner GmbH was paid twice; the second payment of 1 240 euros was returned.",
];

export const questions: readonly Question[] = [
  { question: "what happens to requests if there is no free database handle", answer: 0, kind: "meaning" },
  { question: "how do I repair a bicycle", answer: 1, kind: "meaning" },
  { question: "baking bread at home", answer: 2, kind: "meaning" },
  { question: "how do insects make something sweet", answer: 3, kind: "meaning" },
  { question: "legal ruling about an apartment and its landlord", answer: 4, kind: "meaning" },
  { question: "protection against disease by immunisation", answer: 5, kind: "meaning" },
  { question: "why does wealth in a bank increase faster and faster", answer: 6, kind: "meaning" },
  { question: "why does the ocean level change", answer: 7, kind: "meaning" },
  { question: "danger of eruptions to planes", answer: 8, kind: "meaning" },
  { question: "who won the football game", answer: 9, kind: "meaning" },
  { question: "renewal of TLS keys on servers", answer: 10, kind: "meaning" },
  { question: "adjusting the pitch of string instruments", answer: 11, kind: "meaning" },
  { question: "when should I trim an orchard", answer: 12, kind: "meaning" },
  { question: "how does the runtime free unused RAM", answer: 13, kind: "meaning" },
  { question: "overnight railway journey to Portugal", answer: 14, kind: "meaning" },
  { question: "how do leaves produce energy from the sun", answer: 15, kind: "meaning" },
  { question: "vacation policy for staff", answer: 16, kind: "meaning" },
  { question: "communication of marine mammals", answer: 17, kind: "meaning" },
  { question: "fiction about a seaman coming home", answer: 18, kind: "meaning" },
  { question: "how long does cement need to harden", answer: 19, kind: "meaning" },
  { question: "advice for people with hypertension", answer: 20, kind: "meaning" },
  { question: "politicians vote on government spending", answer: 21, kind: "meaning" },
  { question: "renewable power for a house", answer: 22, kind: "meaning" },
  { question: "can I return a purchase and get my money back", answer: 23, kind: "meaning" },
  { question: "what if a process crashes while it works on a task", answer: 24, kind: "meaning" },
  { question: "how were mountain landscapes shaped by frozen water", answer: 25, kind: "meaning" },
  { question: "E4711", answer: 26, kind: "name" },
  { question: "what does zephyrion do", answer: 27, kind: "name" },
  { question: "METTLE_POOL_MAX", answer: 28, kind: "name" },
  { question: "Brandtner invoice", answer: 29, kind: "name" },
];

/** Mean of 1 / rank of the right passage, 1 for always first. */
export function meanReciprocalRank(
  of: readonly Question[],
  score: (question: string, passage: string, place: number) => number,
): number {
  const reciprocal = of.map(({ question, answer }) => {
    const scores = passages.map((passage, place) => score(question, passage, place));
    return 1 / (1 + scores.filter((one, place) => place !== answer && one >= (scores[answer] as number)).length);
  });
  return reciprocal.reduce((sum, one) => sum + one, 0) / of.length;
}
