// Turning what the sandbox tells into what a person reads.

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with invisible control and direction marks made visible. */
export function visible(text) {
  return text.replace(/\r\n?/g, "\n").replace(CONTROL, (mark) => {
    const code = mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `\u27e8U+${code}\u27e9`;
  });
}

/** A North American number in groups; any other as it is. */
export function phone(number) {
  const groups = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return groups ? `+1 ${groups[1]} ${groups[2]} ${groups[3]}` : number;
}

export function clockTime(ms) {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function clockSeconds(ms) {
  return new Date(ms).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}

/** The time on the same day, else the date. */
export function shortTime(iso, now) {
  const then = new Date(iso);
  const sameDay = then.toDateString() === new Date(now).toDateString();
  return sameDay ? clockTime(then) : then.toLocaleDateString([], { day: "numeric", month: "short" });
}

export function duration(seconds) {
  const rest = Math.max(0, Math.floor(seconds));
  return `${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, "0")}`;
}

/** A hue that always belongs to the same number. */
export function hue(number) {
  let sum = 7;
  for (const digit of number) sum = (sum * 31 + digit.charCodeAt(0)) % 360;
  return sum;
}

/** One line that tells what an item is. */
export function summary(item) {
  if (item.type === "voice") return callSummary(item);
  const text = visible(item.body).replace(/\s+/g, " ");
  if (item.type === "reply") return `You: ${text}`;
  return item.type === "mms" ? `Picture: ${text}` : text;
}

export function callSummary(call) {
  const keys = call.digits ? `, keys ${call.digits}` : "";
  if (call.answered_by === "voicemail") {
    return call.status === "in-progress" ? "Voicemail is recording" : `Voicemail took it, ${duration(call.duration ?? 0)}`;
  }
  switch (call.status) {
    case "queued":
      return "Call on its way";
    case "ringing":
      return "Incoming call";
    case "in-progress":
      return `On the phone${keys}`;
    case "completed":
      return `Call, ${duration(call.duration ?? 0)}${keys}`;
    case "busy":
      return "Declined or busy";
    case "no-answer":
      return "Missed call";
    default:
      return `Call ${call.status}`;
  }
}
