import { parseQuantity, type Quantity } from "@mettle/core";

/**
 * Reads a written quantity as the decimal that its author meant: converting the unit leaves 95 % as
 * 0.9500000000000001, which a goodput of exactly 0.95 would miss. 15 digits are exact for every decimal.
 *
 * @throws MettleError `QUANTITY_INVALID`
 */
export function readQuantity(text: string): Quantity {
  const { value, unit } = parseQuantity(text);
  return { value: Number(value.toPrecision(15)), ...(unit === undefined ? {} : { unit }) };
}
