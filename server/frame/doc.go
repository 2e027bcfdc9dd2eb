// Package frame is the server's side of RFC 6455 section 5: frames out of a
// byte stream that may be cut anywhere, messages out of frames, and the bytes
// of frames to be written. It knows neither sockets nor engines; every engine
// that does not bring a WebSocket library of its own uses it.
//
// # Reading
//
// A [Parser] is one word. While a connection is idle, between two messages, it
// is nil inside; only half a frame or a message in fragments makes it borrow a
// state and a buffer, and it gives them back by itself when the message ends.
// Feed it whatever a read returned:
//
//	var p frame.Parser
//	defer p.Release()
//	for {
//		n, err := conn.Read(buf)
//		if err != nil {
//			return err
//		}
//		if err := p.Feed(buf[:n], maxMessage, sink); err != nil {
//			// io.EOF: the peer's close frame has come. Sink.Close was called;
//			// answer it and end. *engine.CloseError: send that close frame and
//			// end. Either way the parser is finished and holds nothing.
//			return err
//		}
//	}
//
// A frame that lies whole in the slice is unmasked where it lies and delivered
// without a copy, which is why Feed needs a slice that it may write to. So
// steady traffic allocates nothing and copies nothing.
//
// Everything is refused at the first byte that shows it: a limit at the header,
// before anything is stored (a declared length costs nothing, buffers grow with
// the bytes that really came), bad UTF-8 in the middle of a frame.
//
// # Writing
//
// [AppendHeader], [AppendFrame] and [AppendClose] append unmasked frames, as a
// server must send them (section 5.1), to a buffer of the caller.
//
// # Concurrency
//
// A Parser belongs to one goroutine at a time. The Append functions are pure.
package frame
