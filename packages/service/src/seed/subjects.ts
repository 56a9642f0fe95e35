import type { Random } from "@mettle/core";

interface Subject {
  readonly category: string;
  readonly things: readonly string[];
  readonly parts: readonly string[];
  readonly deeds: readonly string[];
  readonly reasons: readonly string[];
}

const words = (text: string): readonly string[] => text.split(", ");

/** S4-055: four categories. */
const subjects: readonly Subject[] = [
  {
    category: "technology",
    things: words(
      "message broker, key-value store, build server, load balancer, search index, compiler cache, mail gateway, job scheduler, time series database, container registry",
    ),
    parts: words(
      "connection pool, write-ahead log, garbage collector, retry policy, certificate, rate limiter, health check, partition table, memory limit, release channel",
    ),
    deeds: words(
      "was restarted, dropped requests, ran out of memory, fell behind its replicas, was rolled back, doubled its throughput, refused new clients, lost a partition, recovered by itself, was moved to another region",
    ),
    reasons: words(
      "a clock had drifted, a dependency was upgraded, its queue was not bounded, an operator changed a default, two nodes elected themselves, a disk had filled overnight, traffic tripled within minutes, a timeout was shorter than its caller's",
    ),
  },
  {
    category: "science",
    things: words(
      "glacier, coral reef, comet, soil sample, bird colony, volcano, pollen record, ice core, river delta, magnetic field",
    ),
    parts: words(
      "temperature series, isotope ratio, migration route, sediment layer, spectral line, growth ring, salinity, population count, crystal structure, radiation dose",
    ),
    deeds: words(
      "was measured again, shifted to the north, shrank over a decade, contradicted the model, was dated to the bronze age, varied with the seasons, was found in deep water, recovered after the storm, was mapped from orbit, correlated with rainfall",
    ),
    reasons: words(
      "the instrument was calibrated, warm currents had reached the coast, the winter was unusually dry, volunteers counted twice, a satellite passed overhead, predators had disappeared, the sample was contaminated, the theory predicts it",
    ),
  },
  {
    category: "business",
    things: words(
      "supplier, savings bank, bakery chain, freight company, insurance fund, publishing house, wind farm, machine maker, travel agency, housing cooperative",
    ),
    parts: words(
      "annual report, delivery contract, credit line, price list, pension plan, customer survey, warehouse, tax return, payment terms, sales forecast",
    ),
    deeds: words(
      "was renegotiated, beat expectations, was delayed by a quarter, was audited, lost a third of its value, was sold to a competitor, was extended by two years, missed its target, was paid in advance, caused a dispute",
    ),
    reasons: words(
      "interest rates had risen, a strike closed the port, demand came back, a regulator objected, the founder retired, raw materials became scarce, an invoice was paid twice, the currency lost value",
    ),
  },
  {
    category: "health",
    things: words(
      "children's clinic, blood bank, rehabilitation centre, nursing home, vaccination campaign, research ward, emergency room, dental practice, pharmacy, sleep laboratory",
    ),
    parts: words(
      "treatment plan, blood pressure chart, waiting list, dose, hygiene protocol, patient record, exercise programme, allergy test, discharge letter, night shift",
    ),
    deeds: words(
      "was shortened, reduced complications, was reviewed by a physician, raised concerns, was followed for a year, helped most patients, was postponed, needed consent, was compared with a control group, became the standard",
    ),
    reasons: words(
      "infections had increased, a new guideline was published, staff were missing, side effects were rare, families asked for it, the trial had ended early, insurance covers it, symptoms returned",
    ),
  },
];

export interface SeedDocument {
  readonly title: string;
  readonly category: string;
  readonly text: string;
}

const pick = (random: Random, from: readonly string[]): string => from[random.below(from.length)] as string;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A short report with a name of its own, that a question can ask for by meaning or by name. */
export function seedDocument(random: Random, number: number): SeedDocument {
  const subject = subjects[number % subjects.length] as Subject;
  const thing = pick(random, subject.things);
  const name = `${syllables(random)}-${number}`;
  const sentences = Array.from({ length: 5 + random.below(6) }, () => sentence(random, subject));
  const opening = `This report is about the ${thing} ${name}.`;
  return { title: `${capital(thing)} ${name}`, category: subject.category, text: [opening, ...sentences].join(" ") };
}

function sentence(random: Random, { things, parts, deeds, reasons }: Subject): string {
  const part = pick(random, parts);
  const deed = pick(random, deeds);
  const reason = pick(random, reasons);
  const forms = [
    `The ${part} of the ${pick(random, things)} ${deed} because ${reason}.`,
    `After ${1 + random.below(30)} days the ${part} ${deed}, although ${reason}.`,
    `In ${1990 + random.below(36)} the ${pick(random, things)} lost its ${part}, since ${reason}.`,
    `Nobody expected that the ${part} ${deed} when ${reason}.`,
  ];
  return pick(random, forms);
}

const consonants = words("b, d, f, g, k, l, m, n, p, r, s, t, v, z");
const vowels = words("a, e, i, o, u");

const syllables = (random: Random): string =>
  capital(Array.from({ length: 3 }, () => `${pick(random, consonants)}${pick(random, vowels)}`).join(""));
