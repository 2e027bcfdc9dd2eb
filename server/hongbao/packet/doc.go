// Package packet is the wire of the red envelopes: seven packets of fixed length
// with numbers in network byte order, as xiaojiaqi/10billionhongbaos has them in
// lib/message/message.go. There they follow each other on a TCP stream; here each
// is one binary WebSocket message.
//
//	 0      2      4                           12
//	+------+------+---------------------------+------------------------------+
//	|length| type | seconds since 1970 (UTC)  | body, fields of 4 bytes each |
//	+------+------+---------------------------+------------------------------+
//
//	login       16  user                             client
//	ack         20  user, result                     server
//	shake       16  user                             client
//	reply       28  user, result, id, amount         server
//	gift        36  id, amount, users, user 1 to 3   server
//	grab        20  user, id                         client
//	grab reply  20  id, amount                       server
//
// Neither direction allocates. The package must not know what an envelope is worth,
// or who has it: server and load generator read and write with the same code.
package packet
