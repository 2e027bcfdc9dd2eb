package admin

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"sync"
)

// Handler answers the paths of the package comment from s, and publishes by p.
func Handler(s Reader, p Publisher) http.Handler {
	answer := func(w http.ResponseWriter, stats *Stats, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, stats)
	}
	var settling sync.Mutex
	mux := http.NewServeMux()
	publishing(mux, p)
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		stats, err := s.Read()
		answer(w, stats, err)
	})
	mux.HandleFunc("POST /settle", func(w http.ResponseWriter, _ *http.Request) {
		settling.Lock()
		defer settling.Unlock()
		stats, err := s.Settle()
		answer(w, stats, err)
	})
	if source, ok := s.(*Source); ok {
		mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, readConnections(source.Stats)) })
	}
	if r, ok := s.(Restarter); ok {
		mux.HandleFunc("POST /restart", func(w http.ResponseWriter, _ *http.Request) {
			pids, err := r.Restart()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			writeJSON(w, struct {
				PIDs []int `json:"pids"`
			}{pids})
		})
	}
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
	// A page that somebody on this machine looks at reaches private addresses, too.
	return http.NewCrossOriginProtection().Handler(mux)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only if nobody listens any more
}

// settle frees what can be freed. The first collection moves what pools hold to
// their victims and runs finalizers' objects free, the second frees both.
func settle() {
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
}
