export {
  type Change,
  type Finding,
  type FindingKind,
  type FindingState,
  type Severity,
  severities,
  type Verdict,
  type VerdictCounts,
  type VerdictStatus,
  verdictSchema,
} from "./verdict.ts";
