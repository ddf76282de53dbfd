// What goes wrong reaches the program as the SDK's own typed errors, and is repeated only where that helps.

import OpenAI, {
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from 'openai';
import { check, refused, same } from './report.mjs';

const NOBODY = `resp_${'0'.repeat(48)}`;

async function unknownResponse(client) {
  const error = await refused(NotFoundError, () => client.responses.retrieve(NOBODY));
  same(error.status, 404);
  check(error.message.includes(NOBODY) && error.requestID.startsWith('req_'), error.message);
}

async function badRequest(client) {
  const body = { model: 'plain', input: 'hello', max_output_tokens: 3 };
  const error = await refused(BadRequestError, () => client.responses.create(body));
  same([error.code, error.param], ['integer_below_min_value', 'max_output_tokens']);
  same([error.type, error.status], ['invalid_request_error', 400]);
  check(error.requestID.startsWith('req_'), error.requestID);
}

async function wrongKey() {
  const stranger = new OpenAI({ apiKey: 'sk-wrong', maxRetries: 0 });
  const body = { model: 'plain', input: 'hello' };
  const error = await refused(AuthenticationError, () => stranger.responses.create(body));
  same([error.status, error.code], [401, 'invalid_api_key']);
}

async function unknownModel(client) {
  const body = { model: 'strict/nobodys', input: 'hello' };
  const error = await refused(NotFoundError, () => client.responses.create(body));
  same([error.code, error.param], ['model_not_found', 'model']);
}

async function unknownPreviousResponse(client) {
  const body = { model: 'plain', input: 'hello', previous_response_id: NOBODY };
  const error = await refused(BadRequestError, () => client.responses.create(body));
  same([error.code, error.param], ['previous_response_not_found', 'previous_response_id']);
}

async function retryObeysRetryAfter() {
  const [client, tries] = counting(1);
  const began = performance.now();
  const body = { model: 'plain!fault=refuse:429:1', input: 'hello' };
  const error = await refused(RateLimitError, () => client.responses.create(body));
  same([error.code, error.headers.get('retry-after')], ['rate_limit_exceeded', '1']);
  same(tries(), 2);
  check(performance.now() - began >= 1000, 'it waited as it was told');
}

async function retrySucceeds() {
  await script('fault=refuse:429:1');
  const [client, tries] = counting(1);
  const response = await client.responses.create({ model: 'plain', input: 'try again' });
  same([response.status, tries()], ['completed', 2]);
}

async function noRetryOf400() {
  const [client, tries] = counting(2);
  const body = { model: 'plain!fault=refuse:400', input: 'hello' };
  await refused(BadRequestError, () => client.responses.create(body));
  same(tries(), 1);
}

async function noRetryOfPaidWork() {
  const [client, tries] = counting(2);
  const body = { model: 'plain!fault=refuse:500', input: 'hello' };
  await refused(InternalServerError, () => client.responses.create(body));
  same(tries(), 1);
}

/** A client that retries, and how often it asked. */
function counting(maxRetries) {
  let tries = 0;
  const counted = (...request) => {
    tries += 1;
    return fetch(...request);
  };
  return [new OpenAI({ maxRetries, fetch: counted }), () => tries];
}

/** What the upstream does with the next create. */
async function script(directive) {
  const body = JSON.stringify({ key: null, on: 'create', script: [directive] });
  const answer = await fetch(`${process.env.UPSTREAM_CONTROL_URL}/script`, { method: 'POST', body });
  same(answer.status, 200);
  await answer.arrayBuffer();
}

export const SCENARIOS = [
  ...[unknownResponse, badRequest, wrongKey, unknownModel, unknownPreviousResponse, retryObeysRetryAfter],
  ...[retrySucceeds, noRetryOf400, noRetryOfPaidWork],
];
