// Drives the official Node SDK, whichever line is installed here, through every scenario.

import OpenAI from 'openai';
import { VERSION } from 'openai/version';
import { SCENARIOS as failures } from './failures.mjs';
import { SCENARIOS as generation } from './generation.mjs';
import { SCENARIOS as state } from './state.mjs';
import { tell } from './report.mjs';

// everything else as the SDK has it; retries are asked for where they are looked at
const client = new OpenAI({ maxRetries: 0 });
await tell(VERSION, [...generation, ...state, ...failures], client);
