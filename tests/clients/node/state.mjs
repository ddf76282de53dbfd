// What is kept: background work, resume, cancel, delete, chains, item lists, conversations, compaction, models.

import { BadRequestError, NotFoundError } from 'openai';
import { all, check, need, refused, same } from './report.mjs';

const SLOW = 'mock-n2000-i20';
const PATIENCE_MS = 30_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (events) => events.map((event) => event.sequence_number);

async function backgroundPoll(client) {
  let response = await client.responses.create({ model: 'mock-n20-i5', input: 'hello', background: true });
  same([response.status, response.output], ['queued', []]);
  const until = Date.now() + PATIENCE_MS;
  while (['queued', 'in_progress'].includes(response.status) && Date.now() < until) {
    await pause(50);
    response = await client.responses.retrieve(response.id);
  }
  same([response.status, response.background], ['completed', true]);
  check(response.output_text);
}

async function resume(client) {
  const body = { model: 'mock-n40-i5', input: 'hello', background: true, stream: true };
  const heard = [];
  for await (const event of await client.responses.create(body)) {
    heard.push(event);
    if (event.sequence_number === 10) break;
  }
  const query = { stream: true, starting_after: 10 };
  const events = [...heard, ...(await all(await client.responses.retrieve(heard[0].response.id, query)))];
  same(numbers(events), events.map((_, place) => place));
  const text = events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta);
  same(events.at(-1).response.output[0].content[0].text, text.join(''));
}

async function streamHelperById(client) {
  const { id } = await client.responses.create({ model: 'mock-n20-i5', input: 'hello', background: true });
  const stream = client.responses.stream({ response_id: id, starting_after: 5 });
  const seen = numbers(await all(stream));
  const final = await stream.finalResponse();
  same(seen, seen.map((_, place) => place + 6));
  same([final.id, final.status], [id, 'completed']);
}

async function cancel(client) {
  const { id } = await client.responses.create({ model: SLOW, input: 'hello', background: true });
  same((await client.responses.cancel(id)).status, 'cancelled');
  same((await client.responses.cancel(id)).status, 'cancelled');
  same((await client.responses.retrieve(id)).status, 'cancelled');
  const ended = await client.responses.create({ model: 'plain', input: 'hello' });
  await refused(BadRequestError, () => client.responses.cancel(ended.id));
}

async function cancelWhileStreaming(client) {
  let last;
  for await (const event of await client.responses.create({
    model: SLOW,
    input: 'hello',
    background: true,
    stream: true,
  })) {
    if (event.sequence_number === 5) await client.responses.cancel(last.response.id);
    last = event.response ? event : last;
  }
  same([last.type, last.response.status], ['response.failed', 'cancelled']);
}

async function _delete(client) {
  const { id } = await client.responses.create({ model: 'plain', input: 'hello' });
  await client.responses.delete(id);
  await refused(NotFoundError, () => client.responses.retrieve(id));
  await refused(NotFoundError, () => client.responses.delete(id));
}
Object.defineProperty(_delete, 'name', { value: 'delete' });

async function chain(client) {
  const first = await client.responses.create({ model: 'plain', input: 'my cat is called Ada' });
  const body = { model: 'plain', input: 'echo request', previous_response_id: first.id };
  const second = await client.responses.create(body);
  same(second.previous_response_id, first.id);
  check(second.output_text.includes('my cat is called Ada'), second.output_text);
}

async function ownOutputAsInput(client) {
  const turns = [{ role: 'user', content: 'my cat is called Ada' }];
  turns.push(...(await client.responses.create({ model: 'plain', input: turns })).output);
  turns.push({ role: 'user', content: 'echo request' });
  const response = await client.responses.create({ model: 'plain', input: turns });
  check(response.output_text.includes('my cat is called Ada'), response.output_text);
}

async function inputItemsPages(client) {
  const turns = [0, 1, 2, 3, 4].map((n) => ({ role: 'user', content: `turn ${n}` }));
  const first = await client.responses.create({ model: 'plain', input: turns });
  const body = { model: 'plain', input: 'one more', previous_response_id: first.id };
  const { id } = await client.responses.create(body);
  const newest = await all(client.responses.inputItems.list(id, { limit: 2 }));
  const oldest = await all(client.responses.inputItems.list(id, { limit: 3, order: 'asc' }));
  same(newest.map((item) => item.id), oldest.map((item) => item.id).reverse());
  same(oldest.length, 7);
  same([oldest[0], newest[0]].map((item) => item.content[0].text), ['turn 0', 'one more']);
  check(oldest.every((item) => item.id && item.type === 'message' && item.status === 'completed'), oldest);
}

async function included(client) {
  const body = { model: 'plain', input: 'hello', reasoning: { effort: 'low' } };
  const response = await client.responses.create(body);
  const include = ['reasoning.encrypted_content', 'message.output_text.logprobs'];
  check((await client.responses.retrieve(response.id, { include })).output[0].encrypted_content);
  same(response.output[0].encrypted_content, undefined);
}

async function conversation(client) {
  const conversations = need(client, 'conversations');
  const message = (text) => ({ type: 'message', role: 'user', content: text });
  const made = await conversations.create({ metadata: { a: '1' }, items: [message('one')] });
  same([made.object, made.metadata], ['conversation', { a: '1' }]);
  same((await conversations.update(made.id, { metadata: { b: '2' } })).metadata, { b: '2' });
  same((await conversations.retrieve(made.id)).metadata, { b: '2' });
  const { data } = await conversations.items.create(made.id, { items: ['0', '1', '2'].map(message) });
  const listed = await all(conversations.items.list(made.id, { limit: 2, order: 'asc' }));
  same(listed.map((item) => item.content[0].text), ['one', '0', '1', '2']);
  const place = { conversation_id: made.id };
  same((await conversations.items.retrieve(data[0].id, place)).content[0].text, '0');
  same((await conversations.items.delete(data[0].id, place)).id, made.id);
  same((await all(conversations.items.list(made.id))).length, 3);
  const gone = await conversations.delete(made.id);
  same([gone.deleted, gone.object], [true, 'conversation.deleted']);
}

async function conversationTurns(client) {
  const made = await need(client, 'conversations').create();
  const wanted = { model: 'plain', conversation: made.id };
  const first = await client.responses.create({ ...wanted, input: 'my cat is called Ada' });
  same(first.conversation.id, made.id);
  const second = await client.responses.stream({ ...wanted, input: 'echo request' }).finalResponse();
  check(second.output_text.includes('my cat is called Ada'), second.output_text);
  const items = await all(client.conversations.items.list(made.id, { order: 'asc' }));
  same(items.map((item) => item.role), ['user', 'assistant', 'user', 'assistant']);
}

async function compact(client) {
  need(client.responses, 'compact');
  const compacted = await client.responses.compact({ model: 'plain', input: 'remember the word heliotrope' });
  same([compacted.object, compacted.output.at(-1).type], ['response.compaction', 'compaction']);
  const input = [...compacted.output, { role: 'user', content: 'echo request' }];
  same((await client.responses.create({ model: 'plain', input })).status, 'completed');
}

async function inputTokens(client) {
  const counted = await need(client.responses, 'inputTokens').count({ model: 'plain', input: 'one two three' });
  same(counted.object, 'response.input_tokens');
  check(counted.input_tokens > 0);
}

async function models(client) {
  const names = (await all(client.models.list())).map((model) => model.id);
  check(names.includes('strict/org/model-x'), names);
  same((await client.models.retrieve('strict/org/model-x')).id, 'strict/org/model-x');
}

async function websocket(client) {
  await connected(client, async (ask) => {
    const first = await ask({ input: 'my cat is called Ada', store: false });
    const again = { input: 'echo request', store: false, previous_response_id: first.response.id };
    const second = await ask(again);
    check(second.response.output[0].content[0].text.includes('my cat is called Ada'), second);
  });
}

async function websocketRefused(client) {
  await connected(client, async (ask) => {
    const told = await ask({ input: 'hello', previous_response_id: `resp_${'0'.repeat(48)}` });
    same([told.type, told.error.code], ['error', 'previous_response_not_found']);
    same((await ask({ input: 'hello' })).response.status, 'completed');
  });
}

/** `use` asks for turns, one after the other, and is given the message that each ended with. */
async function connected(client, use) {
  const { ResponsesWS } = await import('openai/resources/responses/ws');
  const socket = new ResponsesWS(client);
  const events = socket.stream();
  const last = async () => {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      const { type, message, error } = next.value;
      if (type === 'error') return error.error; // what the server sent, within the SDK's error
      if (type === 'message' && message.type === 'response.completed') return message;
    }
    throw new Error('the connection ended');
  };
  try {
    await use((body) => {
      socket.send({ type: 'response.create', model: 'plain', ...body });
      return last();
    });
  } finally {
    socket.close();
  }
}

export const SCENARIOS = [
  ...[backgroundPoll, resume, streamHelperById, cancel, cancelWhileStreaming, _delete, chain, ownOutputAsInput],
  ...[inputItemsPages, included, conversation, conversationTurns, compact, inputTokens, models, websocket],
  websocketRefused,
];
