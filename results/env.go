package results

// Env is where a run took place: the facts that make two runs comparable or
// not. It holds no name of the machine, because results are published.
type Env struct {
	Kernel   string            `json:"kernel"` // uname -r
	Arch     string            `json:"arch"`
	CPU      string            `json:"cpu"` // model name
	Cores    int               `json:"cores"`
	Memory   int64             `json:"memory_bytes"`
	Go       string            `json:"go"`
	NoFile   uint64            `json:"nofile"`             // soft limit of descriptors
	Governor string            `json:"governor,omitempty"` // CPU frequency governor
	Sysctl   map[string]string `json:"sysctl"`
	Modules  map[string]string `json:"modules"` // module path to version
	Commit   string            `json:"commit,omitempty"`
	Dirty    bool              `json:"dirty,omitempty"` // uncommitted changes
	Load1    float64           `json:"load1"`           // load average at the start
}
