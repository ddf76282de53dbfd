// Creates, by every way the SDK has: blocking, streamed, with its helpers, tools, formats and inputs.

import OpenAI, { BadRequestError } from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { all, check, refused, same } from './report.mjs';

const WEATHER = {
  type: 'function',
  name: 'get_weather',
  description: 'Tells the weather of a city',
  parameters: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
  strict: true,
};
const QUESTION = 'What is the weather like in Oslo?';
const PIXEL =
  'data:image/png;base64,' +
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PDF = 'data:application/pdf;base64,JVBERi0xLjQKJSVFT0YK';
const GUIDES_PATH = '/api/llm/api/inference/openai';
const Trip = z.object({ city: z.string(), days: z.number().int() });

const deltas = (events) =>
  events
    .filter((event) => event.type === 'response.output_text.delta')
    .map((event) => event.delta)
    .join('');

async function blocking(client) {
  const response = await client.responses.create({ model: 'plain', input: 'hello' });
  same([response.status, response.object, response.error], ['completed', 'response', null]);
  check(response.output_text.includes('hello'));
  same(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens);
  check(response._request_id && response.id.startsWith('resp_'));
}

async function streamed(client) {
  const events = await all(await client.responses.create({ model: 'plain', input: 'hello', stream: true }));
  same([events[0].type, events.at(-1).type], ['response.created', 'response.completed']);
  same(events.map((event) => event.sequence_number), events.map((_, place) => place));
  same(events.at(-1).response.output[0].content[0].text, deltas(events));
}

async function streamHelper(client) {
  const heard = [];
  const stream = client.responses.stream({ model: 'plain', input: 'hello' });
  stream.on('response.output_text.delta', (event) => heard.push(event.snapshot));
  const final = await stream.finalResponse();
  check(heard.length > 1);
  same([final.status, final.output_text], ['completed', heard.at(-1)]);
}

async function streamRefusedBeforeItBegins(client) {
  const body = { model: 'plain', input: 'hello', temperature: 9, stream: true };
  const error = await refused(BadRequestError, () => client.responses.create(body));
  same([error.param, error.code], ['temperature', 'decimal_above_max_value']);
}

async function failed(client) {
  const body = { model: 'plain!fault=cut:3', input: 'hello' };
  const response = await client.responses.create(body);
  same([response.status, response.error.code], ['failed', 'server_error']);
  const events = await all(await client.responses.create({ ...body, stream: true }));
  same([events.at(-1).type, events.at(-1).response.status], ['response.failed', 'failed']);
}

async function incomplete(client) {
  const response = await client.responses.create({ model: 'mock-n50', input: 'hello', max_output_tokens: 16 });
  same([response.status, response.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
}

async function manyAtOnce(client) {
  const numbers = Array.from({ length: 12 }, (_, place) => place);
  const wanted = numbers.map((n) => client.responses.create({ model: 'plain', input: `number ${n}` }));
  const texts = (await Promise.all(wanted)).map((response) => response.output_text);
  check(numbers.every((n) => texts[n].includes(`number ${n}.`)), texts);
}

async function leftEarly(client) {
  let id;
  for await (const event of await client.responses.create({ model: 'mock-n40-i10', input: 'hello', stream: true })) {
    id = event.response.id;
    break;
  }
  same((await client.responses.stream({ response_id: id }).finalResponse()).status, 'completed');
}

async function instructionsAndMetadata(client) {
  const given = { instructions: 'Be brief.', temperature: 0.5, top_p: 0.9 };
  const shown = { ...given, metadata: { a: '1' }, user: 'somebody' };
  const response = await client.responses.create({ model: 'plain', input: 'echo request', ...shown });
  const sent = JSON.parse(response.output_text.replace('ECHO ', ''));
  for (const name of Object.keys(given)) same(sent[name], given[name]);
  for (const name of Object.keys(shown)) same(response[name], shown[name]);
}

async function rawAnswer(client) {
  const call = client.responses.create({ model: 'plain', input: 'hello' });
  const { data, response, request_id } = await call.withResponse();
  check(request_id.startsWith('req_'));
  same([data._request_id, response.headers.get('x-request-id')], [request_id, request_id]);
}

async function guidesAddress(client) {
  const baseURL = client.baseURL.replace(/\/v1\/?$/, '') + GUIDES_PATH;
  const headers = { 'x-tfy-provider-name': 'main' };
  const other = new OpenAI({ baseURL, maxRetries: 0, defaultHeaders: headers });
  const response = await other.responses.create({ model: 'main/plain', input: 'hello' });
  same([response.status, response.provider], ['completed', 'main']);
}

async function toolsByChain(client) {
  const first = await client.responses.create({ model: 'plain', input: QUESTION, tools: [WEATHER] });
  const [call] = first.output;
  same([call.type, call.name, JSON.parse(call.arguments)], ['function_call', 'get_weather', { location: 'Oslo' }]);
  const second = await client.responses.create({
    model: 'plain',
    previous_response_id: first.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: 'four degrees' }],
    tools: [WEATHER],
  });
  check(second.output_text.includes('four degrees'), second.output_text);
}

async function toolsStreamed(client) {
  const wanted = { model: 'plain', tools: [WEATHER], store: false };
  const turns = [{ role: 'user', content: QUESTION }];
  const [call] = (await client.responses.stream({ ...wanted, input: turns }).finalResponse()).output;
  turns.push(call, { type: 'function_call_output', call_id: call.call_id, output: 'four degrees' });
  const second = await client.responses.stream({ ...wanted, input: turns }).finalResponse();
  check(second.output_text.includes('four degrees'), second.output_text);
}

async function toolsInChatShape(client) {
  const { type, ...inner } = WEATHER;
  const tools = [{ type, function: inner }];
  const response = await client.responses.create({ model: 'plain', input: QUESTION, tools });
  same(response.output.map((item) => item.type), ['function_call']);
  same(response.tools[0].name, 'get_weather');
}

async function parse(client) {
  const text = { format: zodTextFormat(Trip, 'trip') };
  const response = await client.responses.parse({ model: 'plain', input: 'Plan a trip', text });
  Trip.parse(response.output_parsed);
}

async function parseStreamed(client) {
  const text = { format: zodTextFormat(Trip, 'trip') };
  const stream = client.responses.stream({ model: 'plain', input: 'Plan a trip', text });
  Trip.parse((await stream.finalResponse()).output_parsed);
}

async function imageInput(client) {
  await echoes(client, { type: 'input_image', image_url: PIXEL }, PIXEL);
}

async function fileInput(client) {
  await echoes(client, { type: 'input_file', filename: 'a.pdf', file_data: PDF }, PDF);
}

async function echoes(client, part, wanted) {
  const content = [{ type: 'input_text', text: 'echo request' }, part];
  const response = await client.responses.create({ model: 'plain', input: [{ role: 'user', content }] });
  check(response.output_text.includes(wanted), response.output_text);
}

async function reasoning(client) {
  const include = ['reasoning.encrypted_content'];
  const wanted = { model: 'plain', reasoning: { effort: 'low', summary: 'auto' }, include, store: false };
  const turns = [{ role: 'user', content: 'hello' }];
  const first = await client.responses.create({ ...wanted, input: turns });
  const [thought] = first.output;
  check(thought.type === 'reasoning' && thought.summary[0].text && thought.encrypted_content);
  turns.push(...first.output, { role: 'user', content: 'and then' });
  const second = await client.responses.create({ ...wanted, input: turns });
  check(second.output_text.includes('and then'), second.output_text);
}

async function reasoningStreamed(client) {
  const heard = [];
  const stream = client.responses.stream({ model: 'plain', input: 'hello', reasoning: { effort: 'low' } });
  stream.on('response.reasoning_summary_text.delta', (event) => heard.push(event.delta));
  const [thought] = (await stream.finalResponse()).output;
  same([thought.type, thought.summary[0].text], ['reasoning', heard.join('')]);
}

export const SCENARIOS = [
  ...[blocking, streamed, streamHelper, streamRefusedBeforeItBegins, failed, incomplete, manyAtOnce, leftEarly],
  ...[instructionsAndMetadata, rawAnswer, guidesAddress, toolsByChain, toolsStreamed, toolsInChatShape, parse],
  ...[parseStreamed, imageInput, fileInput, reasoning, reasoningStreamed],
];
