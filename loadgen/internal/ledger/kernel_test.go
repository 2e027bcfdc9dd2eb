package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"signalbench/results"
)

const slabinfo = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
TCP                  100    104   2368   13    8 : tunables    0    0    0 : slabdata      8      8      0
filp                 500    504    192   21    1 : tunables    0    0    0 : slabdata     24     24      0
tw_sock_TCP            0      0    256   16    1 : tunables    0    0    0 : slabdata      0      0      0
xfs_inode              0      0   1024   16    4 : tunables    0    0    0 : slabdata      0      0      0
fib6_node            320    320    128   32    1 : tunables    0    0    0 : slabdata     10     10      0
anon_vma_chain        64     64     64   64    1 : tunables    0    0    0 : slabdata      1      1      0
`

// machine makes a /proc and a /sys.
func machine(t *testing.T, files map[string]string) (proc, sys string) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(root, "proc"), filepath.Join(root, "sys")
}

func fixture() map[string]string {
	return map[string]string{
		"proc/slabinfo":      slabinfo,
		"proc/meminfo":       "MemTotal:  1000 kB\nMemFree:  600 kB\nMemAvailable:  700 kB\n",
		"proc/net/sockstat":  "sockets: used 15\nTCP: inuse 11 orphan 2 tw 3 alloc 14 mem 56\nUDP: inuse 0 mem 0\n",
		"proc/net/sockstat6": "TCP6: inuse 4\nUDP6: inuse 0\n",

		"sys/kernel/slab/TCP/shrink":             "",
		"sys/kernel/slab/filp/shrink":            "",
		"sys/kernel/slab/tw_sock_TCP/shrink":     "",
		"sys/kernel/slab/xfs_inode/shrink":       "",
		"sys/kernel/slab/:A-0000128/shrink":      "",
		"sys/kernel/slab/:A-0000064/shrink":      "",
		"sys/kernel/slab/eventpoll_epi":          "-> :A-0000128",
		"sys/kernel/slab/fib6_node":              "-> :A-0000128",
		"sys/kernel/slab/tcp_bind_bucket":        "-> :A-0000128",
		"sys/kernel/slab/anon_vma_chain":         "-> :A-0000064",
		"sys/kernel/slab/fs_cache":               "-> :A-0000064",
		"sys/kernel/slab/eventpoll_pwq_of_later": "-> :A-0000064",
	}
}

func TestKernelResolvesMergedCaches(t *testing.T) {
	proc, sys := machine(t, fixture())
	k, err := openKernel(proc, sys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.read()
	if err != nil {
		t.Fatal(err)
	}
	page := int64(os.Getpagesize())
	want := results.Kernel{
		Slab: map[string]results.SlabCache{
			"TCP":            {Active: 100, ObjSize: 2368, PerSlab: 13, SlabBytes: 8 * page, Bytes: 64 * page},
			"filp":           {Active: 500, ObjSize: 192, PerSlab: 21, SlabBytes: page, Bytes: 24 * page},
			"tw_sock_TCP":    {ObjSize: 256, PerSlab: 16, SlabBytes: page},
			"eventpoll_epi":  {Active: 320, ObjSize: 128, PerSlab: 32, SlabBytes: page, Bytes: 10 * page},
			"anon_vma_chain": {Active: 64, ObjSize: 64, PerSlab: 64, SlabBytes: page, Bytes: page},
		},
		TCPMem: 56, TCPInUse: 15, TimeWait: 3, Orphans: 2,
		MemTotal: 1000 << 10, MemFree: 600 << 10, MemAvailable: 700 << 10,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kernel (-want +got):\n%s", diff)
	}
	notes := []string{"the kernel keeps eventpoll_epi in one slab cache with fib6_node, tcp_bind_bucket: kernel.eventpoll_epi counts all of them"}
	if diff := cmp.Diff(notes, k.notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}

	k.shrink()
	for cache, want := range map[string]string{"TCP": "1", "filp": "1", "xfs_inode": "", ":A-0000128": "1", ":A-0000064": ""} {
		wrote, err := os.ReadFile(filepath.Join(sys, "kernel/slab", cache, "shrink"))
		if err != nil {
			t.Fatal(err)
		}
		if string(wrote) != want {
			t.Errorf("wrote %q to shrink of %s, want %q", wrote, cache, want)
		}
	}
}

func TestKernelWithLessToTell(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(map[string]string)
		note   string
		check  func(results.Kernel) bool
	}{
		{"no slabinfo", func(f map[string]string) { delete(f, "proc/slabinfo") }, "slab caches are not known",
			func(k results.Kernel) bool { return len(k.Slab) == 0 && k.TCPMem == 56 }},
		{"malformed slabinfo", func(f map[string]string) { f["proc/slabinfo"] = "TCP 1 2\n" }, "slab caches are not known",
			func(k results.Kernel) bool { return len(k.Slab) == 0 }},
		{"a container's empty slabinfo", func(f map[string]string) { f["proc/slabinfo"] = "slabinfo - version: 2.1\n" }, "no cache of open files",
			func(k results.Kernel) bool { return len(k.Slab) == 0 }},
		{"no /sys", func(f map[string]string) {
			for name := range f {
				if strings.HasPrefix(name, "sys/") {
					delete(f, name)
				}
			}
		}, "which slab caches share one is not known", func(k results.Kernel) bool { return k.Slab["fib6_node"].Active == 320 }},
		{"no IPv6", func(f map[string]string) { delete(f, "proc/net/sockstat6") }, "",
			func(k results.Kernel) bool { return k.TCPInUse == 11 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fixture()
			c.change(files)
			k, err := openKernel(machine(t, files))
			if err != nil {
				t.Fatal(err)
			}
			got, err := k.read()
			if err != nil {
				t.Fatal(err)
			}
			if !c.check(got) {
				t.Errorf("kernel is %+v", got)
			}
			if c.note != "" && !contains(k.notes, c.note) {
				t.Errorf("notes %q do not say %q", k.notes, c.note)
			}
		})
	}
}
