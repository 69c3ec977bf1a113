// Two independent calculators of SMS segments, over the texts of a JSON array on standard input.
// Answers with a JSON array: for each text, each calculator's [encoding, segments], and whether it has a cluster:
// several characters that a person sees as one.
"use strict";

const { join } = require("node:path");
const { readFileSync } = require("node:fs");

const modules = process.argv[2];
const { SegmentedMessage } = require(join(modules, "sms-segments-calculator"));
const splitSms = require(join(modules, "split-sms"));

function calculator(text) {
  const message = new SegmentedMessage(text);
  const clusters = message.graphemes.some((grapheme) => [...grapheme].length > 1);
  return [message.getEncodingName(), message.segmentsCount, clusters];
}

function splitter(text) {
  const { characterSet, parts } = splitSms.split(text, { summary: true });
  return [characterSet === splitSms.GSM ? "GSM-7" : "UCS-2", parts.length];
}

function told(text) {
  const [encoding, segments, clusters] = calculator(text);
  return { calculator: [encoding, segments], splitter: splitter(text), clusters };
}

const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map(told)));
