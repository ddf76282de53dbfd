// How the Node driver runs its scenarios and tells of them: one JSON line each, the version first.

import { isDeepStrictEqual } from 'node:util';

export class Absent extends Error {}

/** A call that this line of the client may not have. */
export function need(holder, name) {
  if (holder?.[name] === undefined) throw new Absent(`${holder?.constructor?.name}.${name}`);
  return holder[name];
}

export function check(holds, detail) {
  if (!holds) throw new Error(`not so: ${detail ?? ''}`);
}

export function same(found, wanted) {
  if (!isDeepStrictEqual(found, wanted)) {
    throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  }
}

/** The error of a call that must be refused with one of that class. */
export async function refused(kind, call) {
  try {
    await call();
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error(`no ${kind.name}`);
}

export async function all(iterable) {
  const values = [];
  for await (const value of iterable) values.push(value);
  return values;
}

export async function tell(version, scenarios, client) {
  console.log(JSON.stringify({ version }));
  for (const scenario of scenarios) {
    const [outcome, detail] = await outcomeOf(scenario, client);
    console.log(JSON.stringify({ scenario: inSnakeCase(scenario.name), outcome, detail }));
  }
}

async function outcomeOf(scenario, client) {
  try {
    await scenario(client);
    return ['ok', ''];
  } catch (error) {
    return error instanceof Absent ? ['absent', error.message] : ['failed', String(error.stack)];
  }
}

/** The Python driver's name of the same scenario. */
function inSnakeCase(name) {
  return name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`).replace(/_$/, '');
}
