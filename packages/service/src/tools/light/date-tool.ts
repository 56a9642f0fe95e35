import type { Clock } from "@mettle/core";
import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import { type Tool, ToolFailure } from "../tool.ts";

const date = Type.String({
  minLength: 3,
  maxLength: 40,
  description: "ISO 8601, such as 2026-03-01 or 2026-03-01T10:00:00+02:00; without a zone it is UTC. Or `now`.",
});
const zone = Type.String({ minLength: 1, maxLength: 60, description: "Such as Europe/Berlin (UTC)." });
const amount = Type.Optional(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000 }));

const input = Type.Union([
  strict({ operation: Type.Literal("show"), date, zone: Type.Optional(zone) }),
  strict({
    operation: Type.Literal("add"),
    date,
    years: amount,
    months: amount,
    weeks: amount,
    days: amount,
    hours: amount,
    minutes: amount,
    seconds: amount,
    zone: Type.Optional(zone),
  }),
  strict({ operation: Type.Literal("difference"), from: date, to: date }),
]);
type Asked = Static<typeof input>;

const isoForm = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/;
const dayMs = 86_400_000;

/** Points in time: shown in a zone, moved, compared. */
export const dateTool = (clock: Clock): Tool => ({
  name: "date",
  summary: "Shows a date in a time zone, adds to it, or tells how far two are apart.",
  kind: "light",
  input,
  run: (asked: Asked) => {
    if (asked.operation === "difference") return difference(parse(asked.from, clock), parse(asked.to, clock));
    const at = parse(asked.date, clock);
    return shown(asked.operation === "add" ? moved(at, asked) : at, asked.zone ?? "UTC");
  },
});

function parse(text: string, clock: Clock): Date {
  if (text === "now") return new Date(clock.wallTime());
  const [, day, time = "00:00:00", offset = "Z"] = isoForm.exec(text) ?? [];
  const at = new Date(`${day}T${time}${offset.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
  // JavaScript takes 31 February for 3 March.
  const exists = day !== undefined && new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) === day;
  if (!exists || Number.isNaN(at.getTime())) throw new ToolFailure(`"${text}" is no date in ISO 8601.`);
  return at;
}

/** Months first, at most to the end of the month: a month after 31 January is 28 or 29 February. */
function moved(from: Date, asked: Extract<Asked, { operation: "add" }>): Date {
  const { years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0 } = asked;
  const at = new Date(from);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() + 12 * years + months);
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  at.setUTCDate(Math.min(day, last));
  at.setTime(at.getTime() + (7 * weeks + days) * dayMs + hours * 3_600_000 + minutes * 60_000 + seconds * 1000);
  if (Number.isNaN(at.getTime())) throw new ToolFailure("The result is no date that can be told.");
  return at;
}

function shown(at: Date, timeZone: string): object {
  try {
    const text = new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "full", timeStyle: "long" }).format(at);
    const weekday = new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "long" }).format(at);
    return { iso: at.toISOString(), unix_seconds: Math.floor(at.getTime() / 1000), zone: timeZone, text, weekday };
  } catch (cause) {
    throw new ToolFailure(`There is no time zone "${timeZone}".`, undefined, { cause });
  }
}

function difference(from: Date, to: Date): object {
  const milliseconds = to.getTime() - from.getTime();
  return {
    seconds: milliseconds / 1000,
    minutes: milliseconds / 60_000,
    hours: milliseconds / 3_600_000,
    days: milliseconds / dayMs,
  };
}
