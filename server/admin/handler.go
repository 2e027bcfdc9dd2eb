package admin

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"sync"
)

// Handler answers the paths of the package comment from s.
func Handler(s *Source) http.Handler {
	stats := func(w http.ResponseWriter, _ *http.Request) {
		read, err := s.Read()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(read) // fails only if nobody listens any more
	}
	var settling sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", stats)
	mux.HandleFunc("POST /settle", func(w http.ResponseWriter, r *http.Request) {
		settling.Lock()
		defer settling.Unlock()
		settle()
		stats(w, r)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		read, err := s.Read()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		writePrometheus(w, read)
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// settle frees what can be freed. The first collection moves what pools hold to
// their victims and runs finalizers' objects free, the second frees both.
func settle() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}
