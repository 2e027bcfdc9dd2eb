package nbio

import (
	"io"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// The library's websocket package makes an engine when it is imported, with two
// goroutines and two queues of 512 KiB that would be part of every server's memory,
// whatever engine it runs. To start an engine is the only way to be able to stop it,
// with a table of connections as large as the limit of descriptors unless told
// otherwise; and the log goes to standard output.
func init() {
	logging.Output = io.Discard
	logging.SetLevel(logging.LevelNone)
	table := nbio.MaxOpenFiles
	nbio.MaxOpenFiles = 1
	websocket.DefaultEngine.Engine.NPoller = 0
	if websocket.DefaultEngine.Start() == nil {
		websocket.DefaultEngine.Stop()
	}
	nbio.MaxOpenFiles = table
}
