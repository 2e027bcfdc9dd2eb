// Package phoenix is the wire of Phoenix Channels: both versions of the
// serializer that Phoenix and its clients speak over a WebSocket, vsn 1.0.0 (V1,
// a JSON object) and vsn 2.0.0 (V2, a JSON array, and binary frames).
//
//	V2 text    [join_ref, ref, topic, event, payload]
//	V1         {"topic":…, "event":…, "payload":…, "ref":…, "join_ref":…}
//	V2 binary  push       0, len(join_ref), len(ref), len(topic), len(event), the four, payload
//	           reply      1, len(join_ref), len(ref), len(topic), len(status), the four, payload
//	           broadcast  2, len(topic), len(event), the two, payload
//
// The lengths are one byte each. The push is the one of a client; Phoenix's own
// server leaves the ref out of its, which is not read here, as a decoder could
// not tell the two apart.
//
// The package knows messages and nothing of what becomes of them: no connection,
// no room, no engine. It reads JSON itself, so that a message costs one pass and
// no allocation: a payload is validated and handed on as the bytes it came in.
// What it accepts is what RFC 8259 defines, within the limits [MaxDepth],
// [MaxTopic], [MaxEvent] and [MaxRef].
//
// Texts are taken as they are where they are not UTF-8 (an engine has checked
// that before), and written so that they are.
//
// # Sources
//
// Phoenix.Socket.V1.JSONSerializer, Phoenix.Socket.V2.JSONSerializer and
// Phoenix.Socket.Message of Phoenix 1.8, and serializer.js of its client.
//
// # Concurrency
//
// A [Message] and a [Fields] belong to one goroutine at a time. Everything else
// is pure.
package phoenix
